"""Processes of a run, one for each device: started here, by torchrun, or by SLURM; Lightning Fabric does the work."""

import logging
import os
import sys

from lightning_fabric import Fabric

from sceneseg.config.schema import Config
from sceneseg.devices import keep_freed_memory, resolve_device, resolve_precision
from sceneseg.errors import ConfigError
from sceneseg.training.sharding import strategy


def launch(config: Config) -> Fabric:
    """Start the processes of a run (this one continues as the first of them) and return what joins them.

    Must come before anything is written: the other processes run the same command from its beginning.
    """
    device = resolve_device(config.train.device)
    precision = resolve_precision(config.train.precision, device)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # precision is in config.yaml
    devices, nodes = _given(config.train.devices)
    if config.train.batch_size < devices * nodes:
        raise ConfigError(
            f"A batch of {config.train.batch_size} can't be divided among {devices * nodes} processes. Give a "
            f"train.batch_size of {devices * nodes} or more.",
            field="train.batch_size",
        )
    joined = strategy(config, precision, devices * nodes)
    fabric = Fabric(
        accelerator=device,
        devices=devices,
        num_nodes=nodes,
        precision=precision,  # type: ignore[arg-type]
        strategy=joined,
    )
    fabric.launch()
    if device == "cpu":
        keep_freed_memory()
    if not fabric.is_global_zero:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (for as long as the process lives)
    return fabric


def _given(devices: int) -> tuple[int, int]:
    """Return devices of a node and nodes, where a launcher has decided them."""
    here = os.environ
    if "TORCHELASTIC_RUN_ID" in here:
        on_node = int(here["LOCAL_WORLD_SIZE"])
        return on_node, int(here["WORLD_SIZE"]) // on_node
    if "SLURM_NTASKS_PER_NODE" in here and "SLURM_JOB_ID" in here and here.get("SLURM_JOB_NAME") != "interactive":
        return int(here["SLURM_NTASKS_PER_NODE"]), int(here.get("SLURM_NNODES", "1"))
    return devices, 1
