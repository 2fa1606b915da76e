"""Weights shared out over the processes (FSDP): each keeps a part of every weight, gradient and optimizer state.

A weight is put together when its block computes and let go again afterwards. States are saved and loaded whole, so that
a run can be resumed with any number of processes, sharded or not.

Source: Zhao et al., "PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel", VLDB 2023; this is PyTorch's
second version of it, `fully_shard`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sceneseg.config.schema import Config
from sceneseg.devices import processes, share_buffers
from sceneseg.errors import ConfigError
from sceneseg.training.recompute import outermost_blocks

if TYPE_CHECKING:
    from typing import TypeGuard

    from lightning_fabric.strategies.strategy import Strategy
    from torch.distributed.tensor import DTensor

LARGE = 0.01
"""Part of the model's weights from which on a block is put together on its own; smaller ones go with what is left."""


def strategy(config: Config, precision: str, count: int) -> "str | Strategy":
    """Return how Fabric joins the processes of a run.

    Args:
        config: With `train.strategy`.
        precision: "32-true", "bf16-mixed" or "16-mixed".
        count: Processes, on all nodes together.

    Raises:
        ConfigError: Sharding something that can't be sharded.
    """
    if config.train.strategy != "fsdp":
        return "auto"  # which is DDP where there are several
    if count == 1:
        raise ConfigError(
            "train.strategy fsdp divides a model among several devices, and this run has one. Set train.devices to 2 "
            "or more, or leave train.strategy out.",
            field="train.devices",
        )
    if config.train.batch_size % count:
        raise ConfigError(
            f"With train.strategy fsdp the processes work in step: a batch of {config.train.batch_size} can't be "
            f"divided evenly among {count}. Give a train.batch_size that is a multiple of {count}.",
            field="train.batch_size",
        )
    if precision == "16-mixed":
        raise ConfigError(
            "train.strategy fsdp doesn't work with 16-mixed. Set train.precision to bf16-mixed or 32-true, or leave "
            "train.strategy out.",
            field="train.precision",
        )
    if config.optim.name == "muon":
        raise ConfigError(
            "muon needs whole matrices, and fsdp has parts of them. Choose another optim.name, as adamw, or leave "
            "train.strategy out.",
            field="optim.name",
        )
    if config.train.compile:
        raise ConfigError(
            "train.compile doesn't work with train.strategy fsdp. Leave one of them out.", field="train.compile"
        )
    from lightning_fabric.strategies.model_parallel import ModelParallelStrategy

    return ModelParallelStrategy(_shard, data_parallel_size=count, tensor_parallel_size=1)


def _shard(module: nn.Module, mesh: Any) -> nn.Module:
    """Share out the large blocks, each on its own, then what is left."""
    from torch.distributed.fsdp import fully_shard

    # weights in channels_last can't be shared out
    module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    large = LARGE * sum(p.numel() for p in module.parameters())
    for block in outermost_blocks(module):
        if sum(p.numel() for p in block.parameters()) >= large:
            fully_shard(block, mesh=mesh["data_parallel"])
    fully_shard(module, mesh=mesh["data_parallel"])
    if not any(isinstance(part, nn.SyncBatchNorm) for part in module.modules()):
        module.register_forward_pre_hook(_take_buffers_of_the_first)
    return module


def _take_buffers_of_the_first(module: nn.Module, _: Any) -> None:
    """Copy BatchNorm's statistics from the first process to the others, as DDP does."""
    if module.training:
        share_buffers(module)


@contextmanager
def whole_weights(module: nn.Module) -> Iterator[None]:
    """Give each process all weights, so that it computes without waiting for the others."""
    if not any(is_sharded(parameter) for parameter in module.parameters()):
        yield
        return
    from torch.distributed.fsdp import FSDPModule

    sharded = [part for part in module.modules() if isinstance(part, FSDPModule)]
    for part in sharded:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in sharded:
            part.reshard()
            part.set_reshard_after_forward(True, recurse=False)


def whole(state: Any) -> Any:
    """Put the shards in a nested state together; every process must call this.

    Returns:
        The same state with whole tensors on the CPU in the first process, without them in the others; what isn't
        sharded stays as it is.
    """
    if isinstance(state, dict):
        return {key: whole(value) for key, value in state.items()}
    if isinstance(state, list):
        return [whole(value) for value in state]
    if is_sharded(state):
        full = state.full_tensor()
        return full.cpu() if processes()[0] == 0 else None
    return state


def shards(state: Any, like: Any) -> Any:
    """Take from a whole nested state what this process keeps, as `like` has it."""
    if isinstance(state, dict):
        return {key: shards(value, like[key]) for key, value in state.items()} if isinstance(like, dict) else state
    return _shard_of(state, like) if is_sharded(like) else state


def load(part: Any, state: Any) -> None:
    """Give a network, an optimizer or an average its whole state, of which each process keeps its shards."""
    if not hasattr(part, "param_groups"):
        part.load_state_dict(shards(state, part.state_dict()))
        return
    part.load_state_dict(state)
    for parameter, kept in part.state.items():
        for key, value in kept.items():
            if is_sharded(parameter) and isinstance(value, Tensor) and value.shape == parameter.shape:
                kept[key] = _shard_of(value, parameter)


def number(value: Tensor) -> Tensor:
    """Return a number that the processes have parts of; every process must call this."""
    return value.full_tensor() if is_sharded(value) else value


def is_sharded(value: Any) -> "TypeGuard[DTensor]":
    """Return whether this is a tensor of which each process has a part."""
    return isinstance(value, Tensor) and hasattr(value, "device_mesh")


def _shard_of(value: Tensor, like: Any) -> Tensor:
    from torch.distributed.tensor import distribute_tensor

    with torch.no_grad():
        value = value.to(like.device)
        return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)
