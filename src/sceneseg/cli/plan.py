"""`sceneseg plan`: what a training step takes of the memory, and how a batch is computed with it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.config import command_line
from sceneseg.config.options import Options
from sceneseg.ranges import Classes


def plan(
    *,
    options: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008 (never changed)
    model: Annotated[str | None, Parameter(name="-m")] = None,
    file: Annotated[Path | None, Parameter(name="--config")] = None,
    memory: str | None = None,
    classes: Classes = 19,
) -> None:
    """Say before a training how its batch fits into the memory, and why. Nothing is computed or read.

    Example: sceneseg plan -m hrnet -t 1024 2048 -b 16 --memory 8GB

    Args:
        model: Model: fast_scnn, unet, ... Its arguments follow as --model.width 0.5
        file: YAML file with any of the options of train.
        memory: What a process may take, 8GB or 512MiB; what is free here when absent.
        classes: Number of classes.
    """
    from sceneseg.devices import resolve_device, resolve_precision
    from sceneseg.training.planning import SAFE, free_memory, parse_bytes, plan, show_bytes

    chosen = command_line.configuration(options, file, model)
    device = resolve_device(chosen.train.device)
    precision = resolve_precision(chosen.train.precision, device)
    size = chosen.augment.crop_size or chosen.data.target_size or (1024, 2048)
    amount = parse_bytes(memory or chosen.train.memory or str(free_memory(device)))
    found = plan(chosen, classes, size, amount, precision, chosen.train.devices)
    rows = {
        "weights": found.weights,
        "gradients": found.weights,
        f"{chosen.optim.name}'s state": found.optimizer,
        "moving average": found.average,
        f"activations of a sample, {size[0]} x {size[1]}, {precision}": found.sample,
    }
    print(
        f"{chosen.model_name}, batch of {found.batch}, {show_bytes(amount)} of memory ({SAFE:.0%} of it planned with)"
    )
    for name, number in rows.items():
        if number:
            print(f"  {name:<58}{show_bytes(number):>10}")
    if not found.micro_batch:
        print("Not even one sample fits. Cures: --augment.crop-size HEIGHT WIDTH, --train.checkpoint-activations")
        raise SystemExit(1)
    peak = show_bytes(found.fixed + found.micro_batch * found.sample)
    if found.parts == 1:
        print(f"The whole batch fits: {peak} at the peak.")
    else:
        print(
            f"Computed in {found.parts} parts of at most {found.micro_batch}, {peak} at the peak; the optimizer sees "
            f"the batch of {found.batch} all the same. BatchNorm sees {found.micro_batch} at a time (docs/training.md)."
        )
