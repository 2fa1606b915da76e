"""`sceneseg find-lr`: the learning rate that suits a model, its data and an optimizer."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli import tables
from sceneseg.cli.output import terminal
from sceneseg.cli.progress import Bars
from sceneseg.config import command_line, panels
from sceneseg.config.options import Options
from sceneseg.ranges import MANY, Positive, Range


def find_lr(
    *,
    options: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008 (never changed)
    model: Annotated[str | None, Parameter(name="-m", group=panels.MODEL)] = None,
    config: Annotated[Path | None, Parameter(group=panels.MODEL)] = None,
    steps: Annotated[int, Range(10, MANY), Parameter(group=panels.OPTIMIZATION)] = 100,
    lowest: Annotated[Positive, Parameter(group=panels.OPTIMIZATION)] = 1e-6,
    highest: Annotated[Positive, Parameter(group=panels.OPTIMIZATION)] = 10.0,
    runs: Annotated[Path, Parameter(group=panels.OUTPUT)] = Path("runs"),
) -> None:
    """Train a few steps with a learning rate that rises from step to step, and suggest one to train with.

    -f takes several optimizers (-f sgd,adamw) or all of them; each begins from the same weights and sees the same
    samples. Leaves the curves as image, CSV and JSON in runs/find_lr-DATA-MODEL. All options of train count here,
    too, but for the learning rate and its schedule.

    Example: sceneseg find-lr -m fast_scnn -d camvid -p ~/CamVid -f all

    Args:
        model: Model: fast_scnn, unet, ... Its arguments follow as --model.width 0.5
        config: YAML file with any of these options; what is typed wins over it.
        steps: Steps of each test.
        lowest: Learning rate of the first step.
        highest: Learning rate of the last step; a test is broken off earlier when its loss grows out of bounds.
        runs: Folder in which the folder with the results is made.
    """
    from sceneseg.api import find_lr as api

    chosen, asked = command_line.configuration(options, config, model), command_line.asked(options, config)
    with Bars() as bars:
        found = api.find_lr(
            config=chosen, steps=steps, lowest=lowest, highest=highest, runs=runs, asked=asked, on_progress=bars
        )
    if found.path is not None:
        tables.print_rates(found, found.path, terminal())
