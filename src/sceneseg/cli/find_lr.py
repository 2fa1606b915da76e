"""`sceneseg find-lr`: which learning rate suits a model, its data and an optimizer."""

import csv
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.config import command_line
from sceneseg.config.options import Options
from sceneseg.config.schema import Config
from sceneseg.ranges import MANY, Positive, Range

if TYPE_CHECKING:
    from sceneseg.config.asked import Asked
    from sceneseg.optim.range_test import RangeTest


def find_lr(
    *,
    options: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008 (never changed)
    model: Annotated[str | None, Parameter(name="-m")] = None,
    file: Annotated[Path | None, Parameter(name="--config")] = None,
    steps: Annotated[int, Range(10, MANY)] = 100,
    lowest: Positive = 1e-6,
    highest: Positive = 10.0,
    runs: Path = Path("runs"),
) -> None:
    """Train a few steps with a learning rate that rises from step to step, and suggest one to train with.

    -f takes several optimizers (-f sgd,adamw) or all of them; each begins from the same weights and sees the same
    samples. Leaves the curves as picture, CSV and JSON in runs/find_lr-DATA-MODEL. All options of train count here,
    too, but for the learning rate and its schedule.

    Example: sceneseg find-lr -m fast_scnn -d camvid -p ~/CamVid -f all

    Args:
        model: Model: fast_scnn, unet, ... Its arguments follow as --model.width 0.5
        file: YAML file with any of these options; what is typed wins over it.
        steps: Steps of each test.
        lowest: Learning rate of the first step.
        highest: Learning rate of the last step; a test is broken off earlier when its loss grows out of bounds.
        runs: Folder in which the folder with the results is made.
    """
    from rich.progress import MofNCompleteColumn, Progress

    from sceneseg.config import files as config_files
    from sceneseg.errors import ConfigError
    from sceneseg.optim import optimizers, range_test
    from sceneseg.records.environment import environment
    from sceneseg.records.run_directory import create_run, write_json, write_text
    from sceneseg.report.svg.range_curves import draw_range_tests
    from sceneseg.training import start
    from sceneseg.training.builder import build_setup
    from sceneseg.training.lr_finder import sweep_rates

    chosen = command_line.configuration(options, file, model)
    names = list(optimizers.OPTIMIZERS) if chosen.optim.name == "all" else chosen.optim.name.split(",")
    for name in names:
        optimizers.find(name)
    if lowest >= highest:
        raise ConfigError(f"A test rises from --lowest to --highest, found {lowest:g} and {highest:g}.")
    _refuse_inert(command_line.asked(options, file), chosen, names)
    first = replace(chosen, optim=replace(chosen.optim, name=names[0]))
    fabric, task, _ = start.open_task(first, print)
    setup = build_setup(task.config, task, fabric, print)
    chosen = setup.config
    tests = []
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), disable=not fabric.is_global_zero) as progress:
        for name in names:
            bar = progress.add_task(f"{name:<12}", total=steps)
            rates = range_test.rates(lowest, highest, steps)
            tests.append(sweep_rates(setup, name, rates, print, partial(progress.advance, bar)))
            progress.update(bar, total=len(tests[-1].rates), completed=len(tests[-1].rates))
    if not fabric.is_global_zero:
        return
    folder = create_run(runs, f"find_lr-{chosen.data.name}-{chosen.model_name}").path
    write_text(folder / "config.yaml", config_files.dump(chosen))
    write_json(folder / "environment.json", environment())
    write_json(folder / "find_lr.json", {"tests": [test.to_dict() for test in tests]})
    _write_curves(folder / "find_lr.csv", tests)
    title = f"Learning-rate range test: {chosen.model_name} on {chosen.data.name}, batch of {chosen.train.batch_size}"
    draw_range_tests(tests, title, folder / "find_lr.png")
    _show(tests)
    print(f"curves   {folder / 'find_lr.png'}\nnumbers  {folder / 'find_lr.csv'}, {folder / 'find_lr.json'}")


def _refuse_inert(asked: "list[Asked]", chosen: Config, names: list[str]) -> None:
    """Refuse options that none of the optimizers reads, and learning rates, which the test itself chooses."""
    from sceneseg.errors import refuse_options
    from sceneseg.training.inert import refuse_inert

    typed, *files = asked
    rates = {key: True for key in typed.keys if key == "optim.lr" or key.startswith("schedule.")}
    refuse_options(rates, "the test itself chooses the learning rate of every step. Leave it out.")
    refuse_inert([typed, *files], [replace(chosen, optim=replace(chosen.optim, name=name)) for name in names])


def _write_curves(file: Path, tests: "list[RangeTest]") -> None:
    from sceneseg.records.run_directory import atomic

    with atomic(file) as temporary, temporary.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["optimizer", "step", "lr", "loss", "smoothed_loss"])
        for test in tests:
            for step, row in enumerate(zip(test.rates, test.losses, test.smoothed, strict=True)):
                writer.writerow([test.optimizer, step, *(f"{value:.6g}" for value in row)])


def _show(tests: "list[RangeTest]") -> None:
    from rich.table import Table

    from sceneseg.report.formatting import rate

    table = Table(box=None, header_style="dim")
    for column in ("optimizer", "suggested", "steepest", "lowest loss", "at", ""):
        table.add_column(column, justify="left" if column in {"optimizer", ""} else "right", no_wrap=column != "")
    for test in tests:
        facts = test.to_dict()
        rates = [rate(facts[key]) if facts[key] else "–" for key in ("valley", "steepest", "lowest_loss_at")]
        remark = f"diverged at {rate(facts['diverged_at'])}" if test.diverged else ""
        table.add_row(
            test.optimizer,
            *rates[:2],
            f"{facts['lowest_loss']:.3f}",
            rates[2],
            remark if test.learns else "its loss never fell noticeably: give more --steps",
        )
    terminal().print(table)
    print("suggested: the middle of the fall (valley), on the logarithmic axis; steepest: where the loss falls fastest")
    found = [test for test in tests if test.valley is not None]
    if found:
        best = min(found, key=lambda test: test.smoothed.min())
        print(f"try  sceneseg train ... -f {best.optimizer} -l {rate(best.valley or 0)}  (it had the lowest loss)")
