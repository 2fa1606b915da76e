"""Starting and resuming runs: data sets are opened, the run directory is made and described, then the loop begins."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from sceneseg import tasks
from sceneseg.config import files as config_files
from sceneseg.config.asked import Asked
from sceneseg.config.conversion import changed, to_dict
from sceneseg.config.layering import flat
from sceneseg.config.schema import Config
from sceneseg.datasets import datasets
from sceneseg.errors import ConfigError
from sceneseg.models import models
from sceneseg.records.environment import environment
from sceneseg.records.locks import LOCK, alone
from sceneseg.records.model_cost import ModelCost
from sceneseg.records.names import check_name
from sceneseg.records.run_directory import MARKER, RunDirectory, create_run, write_json, write_text
from sceneseg.tasks.base import Task
from sceneseg.training import trackers
from sceneseg.training.builder import Report, build_setup, build_trainer
from sceneseg.training.callbacks import Callback
from sceneseg.training.data_record import compare, record
from sceneseg.training.early_stopping import is_stale
from sceneseg.training.inert import refuse_contradictions, refuse_inert
from sceneseg.training.monitor import show
from sceneseg.training.processes import launch
from sceneseg.user_files import is_file_name, short_name

MAY_CHANGE = {
    *("train.epochs", "train.checkpoint_minutes", "train.patience", "train.validate_every", "train.micro_batch"),
    *("train.log",),
    *("train.device", "train.devices", "train.strategy", "data.workers", "data.cache", "data.root"),
    "data.accept_changes",
}
"""Configuration keys that may change on resume: train for longer, stop earlier, or run elsewhere."""


def start(
    config: Config,
    runs: Path,
    callbacks: Sequence[Callback] = (),
    asked: Iterable[Asked] = (),
    report: Report = show,
) -> tuple[RunDirectory, bool]:
    """Train from scratch in a new run directory.

    Everything that can be wrong with names, arguments, weights and data is found before the directory is made; one
    that nothing was written into but its description is removed again.

    Args:
        config: What is trained.
        runs: Folder of the run directories.
        callbacks: Called as the run goes.
        asked: What the user asked for, which must have an effect.
        report: Is given the messages that come before the first step.

    Returns:
        The run, and whether it came to its end (False: interrupted, its state is saved).
    """
    if config.data.accept_changes:
        raise ConfigError(
            "data.accept_changes is for a run that is resumed. Leave it out.", field="data.accept_changes"
        )
    if config.name is not None:
        check_name(config.name)
    refuse_contradictions(config)
    refuse_inert(asked, [config])
    fabric, task, cost = open_task(config, report)
    report = report if fabric.is_global_zero else _ignore
    setup = build_setup(task.config, task, fabric, report)
    path: Path | None = None
    if fabric.is_global_zero:
        data = record(task)
        name = f"{task.train.name}-{short_name(setup.config.model_name)}" if config.name is None else config.name
        run = create_run(runs, name)
        data.write(run)
        write_json(run.labels, task.labels())
        write_json(run.model, cost.to_dict())
        write_json(run.environment, environment().to_dict())
        path = run.path
    run = RunDirectory(fabric.broadcast(path))  # type: ignore[arg-type]
    setup = replace(setup, config=replace(setup.config, name=run.path.name))
    try:
        with _alone(run, fabric):
            if fabric.is_global_zero:
                write_text(run.config, config_files.dump(setup.config))
            return run, build_trainer(setup, run, callbacks).fit()
    except BaseException:
        if fabric.is_global_zero:
            _discard(run)
        raise


def _discard(run: RunDirectory) -> None:
    """Remove the folder of a run that broke off before there was anything to resume, so that its name is free."""
    described = {run.config, run.labels, run.model, run.environment, run.data, run.tensorboard, run.trackers}
    described |= {run.path / MARKER, run.path / LOCK}
    if run.path.is_dir() and all(path in described for path in run.path.iterdir()):
        shutil.rmtree(run.path, ignore_errors=True)


def open_task(config: Config, report: Report) -> tuple[Fabric, Task, ModelCost]:
    """Start the processes, open the data and count the model.

    Args:
        config: What is trained.
        report: Is given warnings about the data.

    Returns:
        What joins the processes; the task, in whose configuration names and folders are resolved; and the cost of the
        model.
    """
    config = replace(config, model={**config.model, "name": models.resolve(config.model_name)})
    trackers.check(config.train.log)
    fabric = launch(config)
    task = tasks.create(config)
    _check_data(task, report if fabric.is_global_zero else _ignore)
    task.check_labels()
    cost = task.cost()
    data = task.config.data
    resolved = replace(data, name=datasets.resolve(data.name), root=str(task.train.root.resolve()))
    task.config = replace(task.config, data=resolved)
    return fabric, task, cost


def resume(
    run: RunDirectory, changes: Mapping[str, object], callbacks: Sequence[Callback] = (), report: Report = show
) -> bool:
    """Resume a run from its saved state; return whether it came to its end.

    Args:
        run: Interrupted, or finished and now to be longer.
        changes: What is to be different from now on, as nested plain data; see `MAY_CHANGE`.
        callbacks: Called as the run goes.
        report: Is given the messages that come before the first step.

    Raises:
        ConfigError: Something that would make another run of it.
        DataError: The data are others than those that it began with.
        RunError: Its state is missing or damaged.
        RunError: Another process trains it.
    """
    before = run.load_config()
    described = changed(before, changes, str(run.config))
    if refused := [key for key in _differences(to_dict(before), to_dict(described)) if key not in MAY_CHANGE]:
        raise ConfigError(
            f"A resumed run keeps its configuration; {', '.join(refused)} can't change. What can: "
            f"{', '.join(sorted(MAY_CHANGE))}. For anything else start a new run with the configuration {run.config}.",
            field=refused[0],
        )
    accept = described.data.accept_changes
    described = replace(described, data=replace(described.data, accept_changes=False))
    trackers.check(described.train.log)
    fabric = launch(described)
    report = report if fabric.is_global_zero else _ignore
    with _alone(run, fabric):
        task = tasks.create(_without_initial_weights(described))
        data = compare(run, task, accept)
        if described.data.root is not None:
            described = replace(described, data=replace(described.data, root=str(task.train.root.resolve())))
        if data.changes:
            _check_data(task, report)
            # an epoch keeps its steps, else it would end twice or not at all
            steps = described.train.steps_in_epoch(data.scenes_before or len(task.train))
            described = _with_steps_per_epoch(described, steps)
            task.config = _with_steps_per_epoch(task.config, steps)
        asked = "train.micro_batch" in flat(changes)
        micro_batch = described.train.micro_batch if asked else None  # else what the last steps were computed in
        setup = build_setup(task.config, task, fabric, report, resume_from=run.state, micro_batch=micro_batch)
        record_now = data.record
        if data.changes:
            record_now = record_now.with_change(setup.state.step, data.changes)
            report(f"resumed with other data: {data.changes}")
        if data.val_changed:
            setup.state.forget_best()
        if fabric.is_global_zero:
            record_now.write(run)
            if changes:
                write_text(run.config, config_files.dump(described))
        if is_stale(setup.state, setup.config.train.patience):
            report("This run was stopped early. Increase train.patience to resume it.")
            return True
        return build_trainer(setup, run, callbacks, record_now.steps).fit()


def _differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return the keys in which two configurations differ; a Python file that has moved is the same."""

    def same(one: Any, other: Any) -> bool:
        moved = is_file_name(one) and is_file_name(other) and Path(one).name == Path(other).name
        return bool(one == other or moved)

    known = flat(before)
    return [key for key, value in flat(after).items() if key not in known or not same(known[key], value)]


def _without_initial_weights(config: Config) -> Config:
    """Return the configuration of a run whose saved state holds what came of its initial weights."""
    model = {**config.model, "pretrained": False} if config.model.get("pretrained") else config.model
    return replace(config, model=model, train=replace(config.train, weights=None, encoder_weights=None))


def _with_steps_per_epoch(config: Config, steps: int) -> Config:
    return replace(config, train=replace(config.train, steps_per_epoch=steps))


def _check_data(task: Task, report: Report) -> None:
    """Report what may spoil the training.

    Raises:
        DataError: It would spoil it.
    """
    for warning in task.check() if task.config.data.check else []:
        report(warning)


def _ignore(_: str) -> None:
    """Drop messages of processes other than the first."""


def _alone(run: RunDirectory, fabric: Fabric) -> AbstractContextManager[None]:
    """Hold the run directory; the first process does it for all."""
    return alone(run.path, "is trained by") if fabric.is_global_zero else nullcontext()


def find_unfinished(config: Config, runs: Path) -> RunDirectory | None:
    """Return the newest run of a configuration that has a saved state, if there is one."""
    states = sorted(runs.glob("*/state.ckpt"), key=lambda path: path.stat().st_mtime, reverse=True)
    return next(
        (run for run in (RunDirectory(path.parent) for path in states) if _same_run(config, run.load_config())), None
    )


def what_changes(config: Config, run: RunDirectory) -> dict[str, dict[str, object]]:
    """Return what a configuration asks a run to do otherwise from now on, as nested plain data."""
    usual, before, asked = (flat(to_dict(c)) for c in (Config(), run.load_config(), config))
    found: dict[str, dict[str, object]] = {}
    for key in MAY_CHANGE - {"data.root"}:
        if asked[key] not in (usual[key], before[key]):
            section, _, name = key.partition(".")
            found.setdefault(section, {})[name] = asked[key]
    return found


def _same_run(config: Config, other: Config) -> bool:
    """Return whether two configurations make the same run: they differ in nothing but what may change."""
    roots = [Path(c.data.root).expanduser().resolve() for c in (config, other) if c.data.root]
    return _identity(config) == _identity(other) and len(set(roots)) < 2  # without one the environment names it


def _identity(config: Config) -> dict[str, object]:
    data = flat(to_dict(config))
    data |= {"model.name": models.resolve(config.model_name), "data.name": datasets.resolve(config.data.name)}
    return {key: value for key, value in data.items() if key != "name" and key not in MAY_CHANGE}
