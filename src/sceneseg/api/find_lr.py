"""`find_lr`: which learning rate suits a model, its data and an optimizer."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from sceneseg.api.options import configure, nested
from sceneseg.api.progress import OnProgress, Progress, ignore
from sceneseg.config import files as config_files
from sceneseg.config.asked import Asked
from sceneseg.config.conversion import to_dict
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError, refuse_options
from sceneseg.optim.lr_range import RangeTest, rates
from sceneseg.optim.optimizers import optimizers
from sceneseg.records.environment import environment
from sceneseg.records.run_directory import atomic, create_run, write_json, write_text
from sceneseg.report.svg.range_curves import draw_range_tests
from sceneseg.training import start
from sceneseg.training.builder import build_setup
from sceneseg.training.inert import refuse_inert
from sceneseg.training.lr_finder import sweep_rates
from sceneseg.user_files import allow, short_name


@dataclass(frozen=True)
class RateSearch:
    """Learning-rate range tests of one or several optimizers.

    Args:
        path: Folder with the curves as image, CSV and JSON; None in processes other than the first.
        tests: One for each optimizer.

    Example:
        >>> import sceneseg
        >>> found = sceneseg.find_lr(config="runs/small/config.yaml", steps=10, optimizer="sgd,adamw")
        >>> [test.optimizer for test in found.tests]
        ['sgd', 'adamw']
    """

    path: Path | None
    tests: tuple[RangeTest, ...]

    @property
    def best(self) -> RangeTest | None:
        """The test with the lowest loss among those that suggest a rate (`RangeTest.valley`); None if none does."""
        found = [test for test in self.tests if test.valley is not None]
        return min(found, key=lambda test: float(test.smoothed.min()), default=None)


def find_lr(
    model: str | Mapping[str, Any] | None = None,
    data: str | Mapping[str, Any] | None = None,
    root: str | PathLike[str] | None = None,
    *,
    config: str | PathLike[str] | Config | None = None,
    steps: int = 100,
    lowest: float = 1e-6,
    highest: float = 10.0,
    runs: str | PathLike[str] = "runs",
    asked: Sequence[Asked] | None = None,
    on_progress: OnProgress = ignore,
    **options: Any,
) -> RateSearch:
    """Train a few steps with a learning rate that rises from step to step, and suggest one to train with.

    ``optimizer`` may name several optimizers ("sgd,adamw") or "all"; each begins from the same weights and sees the
    same samples.

    Args:
        model: A name, or a mapping of name and arguments.
        data: A name, or the section as a mapping.
        root: The data set's folder.
        config: A YAML file, the name of a recipe, or a configuration, over which the options go.
        steps: Steps of each test.
        lowest: Learning rate of the first step.
        highest: Learning rate of the last step; a test ends earlier when its loss grows out of bounds.
        runs: Folder in which the folder with the results is made.
        asked: Who asked for which keys, each of which must have an effect; the options, then `config`, when absent.
        on_progress: Called after each step.
        options: Any option of `train`, but for the learning rate and its schedule.

    Raises:
        ConfigError: A range that doesn't rise, or an option without an effect.
        ScenesegError: As `train` raises.

    Example:
        >>> import sceneseg
        >>> found = sceneseg.find_lr(config="runs/small/config.yaml", steps=10)
        >>> len(found.tests[0].rates) <= 10, (found.path / "find_lr.json").is_file()
        (True, True)
    """
    changes = nested(options)
    for section, given in (("model", model), ("data", data)):
        if given is not None:
            changes[section] = {"name": given} if isinstance(given, str) else dict(given)
    if root is not None:
        changes.setdefault("data", {})["root"] = str(root)
    chosen, sources = configure(config, changes)
    allow(to_dict(chosen))
    names = optimizers.names() if chosen.optim.name == "all" else chosen.optim.name.split(",")
    for name in names:
        optimizers.get(name)
    if lowest >= highest:
        raise ConfigError(f"A test rises from lowest to highest, found {lowest:g} and {highest:g}.", field="lowest")
    _refuse_inert(sources if asked is None else asked, chosen, names)
    first = replace(chosen, optim=replace(chosen.optim, name=names[0]))
    messages: list[str] = []
    fabric, task, _ = start.open_task(first, messages.append)
    report = on_progress if fabric.is_global_zero else ignore

    def say(text: str) -> None:
        report(Progress(message=text))

    for message in messages:
        say(message)
    setup = build_setup(task.config, task, fabric, say)
    tests = []
    for name in names:
        count = _Counter(f"{name:<12}", steps, report)
        tests.append(sweep_rates(setup, name, rates(lowest, highest, steps), say, count))
        report(Progress(count.stage, len(tests[-1].rates), len(tests[-1].rates)))
    folder = _write(setup.config, Path(runs), tests) if fabric.is_global_zero else None
    return RateSearch(folder, tuple(tests))


@dataclass
class _Counter:
    """Reports the steps of one test.

    Args:
        stage: Its name.
        steps: Steps that are planned.
        report: Called with messages.
        done: Steps that are done.
    """

    stage: str
    steps: int
    report: OnProgress
    done: int = 0

    def __call__(self) -> None:
        self.done += 1
        self.report(Progress(self.stage, self.done, self.steps))


def _refuse_inert(asked: Sequence[Asked], chosen: Config, names: list[str]) -> None:
    """Refuse options that none of the optimizers reads, and learning rates, which the test itself chooses."""
    typed, *files = asked
    given = {key: True for key in typed.keys if key == "optim.lr" or key.startswith("schedule.")}
    refuse_options(given, "the test itself chooses the learning rate of every step. Leave it out.")
    refuse_inert([typed, *files], [replace(chosen, optim=replace(chosen.optim, name=name)) for name in names])


def _write(config: Config, runs: Path, tests: Sequence[RangeTest]) -> Path:
    """Write the folder of the results."""
    folder = create_run(runs, f"find_lr-{short_name(config.data.name)}-{short_name(config.model_name)}").path
    write_text(folder / "config.yaml", config_files.dump(config))
    write_json(folder / "environment.json", environment().to_dict())
    write_json(folder / "find_lr.json", {"tests": [test.to_dict() for test in tests]})
    with atomic(folder / "find_lr.csv") as temporary, temporary.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["optimizer", "step", "lr", "loss", "smoothed_loss"])
        for test in tests:
            for step, row in enumerate(zip(test.rates, test.losses, test.smoothed, strict=True)):
                writer.writerow([test.optimizer, step, *(f"{value:.6g}" for value in row)])
    title = f"Learning-rate range test: {config.model_name} on {config.data.name}, batch of {config.train.batch_size}"
    draw_range_tests(tests, title, folder / "find_lr.png")
    return folder
