"""`sceneseg plan`: the memory of a training step, and how a batch is computed with it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli import tables
from sceneseg.cli.output import terminal
from sceneseg.config import command_line, panels
from sceneseg.config.options import Options
from sceneseg.ranges import Classes


def plan(
    *,
    options: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008 (never changed)
    model: Annotated[str | None, Parameter(name="-m", group=panels.MODEL)] = None,
    config: Annotated[Path | None, Parameter(group=panels.MODEL)] = None,
    memory: Annotated[str | None, Parameter(group=panels.RUNTIME)] = None,
    classes: Annotated[Classes, Parameter(group=panels.DATA)] = 19,
) -> None:
    """Show how a training batch fits into memory, and why, before anything is read or computed.

    Example: sceneseg plan -m hrnet -t 1024 2048 -b 16 --memory 8GB

    Args:
        model: Model: fast_scnn, unet, ... Its arguments follow as --model.width 0.5
        config: YAML file with any of the options of train.
        memory: What a process may take, 8GB or 512MiB; what is free here when absent.
        classes: Number of classes.
    """
    from sceneseg.api import plan as api

    chosen = command_line.configuration(options, config, model)
    found = api.plan(config=chosen, memory=memory, classes=classes)
    tables.print_plan(found, terminal(soft_wrap=True))
    if not found.fits:
        raise SystemExit(1)
