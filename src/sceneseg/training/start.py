"""Starting and resuming runs: data sets are opened, the run directory is made and described, then the loop begins."""

import logging
import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from sceneseg import tasks
from sceneseg.config import schema as configs
from sceneseg.config.asked import Asked
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
from sceneseg.training.data_record import compare, record
from sceneseg.training.hooks import Hooks
from sceneseg.training.inert import refuse_contradictions, refuse_inert
from sceneseg.training.processes import launch
from sceneseg.training.trainer import Trainer
from sceneseg.user_files import is_file_name, short_name

LOG = logging.getLogger(__name__)
MAY_CHANGE = {
    *("train.epochs", "train.checkpoint_minutes", "train.patience", "train.validate_every", "train.micro_batch"),
    *("train.log",),
    *("train.device", "train.devices", "train.strategy", "data.workers", "data.cache", "data.root"),
    "data.accept_changes",
}
"""What a resumed run may do otherwise: go on for longer, stop earlier, or run elsewhere."""


def start(
    config: Config, runs: Path, hooks: Hooks | None = None, asked: Iterable[Asked] = ()
) -> tuple[RunDirectory, bool]:
    """Train from scratch in a new run directory.

    Everything that can be wrong with names, arguments, weights and data is found before the directory is made; one in
    which nothing came about is removed again.

    Args:
        config: What is trained.
        runs: Folder of the run directories.
        hooks: What is called on the way.
        asked: What a person asked for, which must have an effect.

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
    fabric, task, cost = open_task(config)
    name = f"{task.train.name}-{short_name(config.model_name)}" if config.name is None else config.name
    training = Trainer(config, RunDirectory(runs / name), task, fabric, hooks=hooks)
    path: Path | None = None
    if fabric.is_global_zero:
        data = record(task)
        run = create_run(runs, name)
        data.write(run)
        write_json(run.labels, task.labels())
        write_json(run.model, cost.to_dict())
        write_json(run.environment, environment().to_dict())
        path = run.path
    run = RunDirectory(fabric.broadcast(path))  # type: ignore[arg-type]
    config.name, training.run = run.path.name, run
    try:
        with _alone(run, fabric):
            if fabric.is_global_zero:
                write_text(run.config, configs.dump(config))
            return run, training.fit()
    except BaseException:
        if fabric.is_global_zero:
            _discard(run)
        raise


def _discard(run: RunDirectory) -> None:
    """Remove the folder of a run that broke off before there was anything to go on from, so that its name is free."""
    described = {run.config, run.labels, run.model, run.environment, run.data, run.tensorboard, run.trackers}
    described |= {run.path / MARKER, run.path / LOCK}
    if run.path.is_dir() and all(path in described for path in run.path.iterdir()):
        shutil.rmtree(run.path, ignore_errors=True)


def open_task(config: Config) -> tuple[Fabric, Task, ModelCost]:
    """Start the processes, open the data and count the model; names and folders in the configuration get resolved.

    Returns:
        What joins the processes, the task, and the cost of the model.
    """
    config.model = {**config.model, "name": models.resolve(config.model_name)}
    trackers.check(config.train.log)
    fabric = launch(config)
    task = tasks.create(config)
    for warning in task.check() if config.data.check else []:
        LOG.warning(warning)
    task.check_labels()
    cost = task.cost()
    config.data.name = datasets.resolve(config.data.name)
    config.data.root = str(task.train.root.resolve())
    return fabric, task, cost


def resume(run: RunDirectory, changes: dict[str, Any], hooks: Hooks | None = None) -> bool:
    """Go on with a run from its saved state; return whether it came to its end.

    Args:
        run: Interrupted, or finished and now to be longer.
        changes: What is to be different from now on, as nested plain data; see `MAY_CHANGE`.
        hooks: What is called on the way.

    Raises:
        ConfigError: Something that would make another run of it.
        DataError: The data are others than those that it began with.
        RunError: Its state is missing or damaged.
        RunError: Another process trains it.
    """
    before = configs.to_dict(run.load_config())
    config = configs.from_dict(configs.merge(before, changes), str(run.config))
    if refused := [key for key in _differences(before, configs.to_dict(config)) if key not in MAY_CHANGE]:
        raise ConfigError(
            f"A resumed run keeps its configuration; {', '.join(refused)} can't change. What can: "
            f"{', '.join(sorted(MAY_CHANGE))}. For anything else start a new run with the configuration {run.config}.",
            field=refused[0],
        )
    accept, config.data.accept_changes = config.data.accept_changes, False
    trackers.check(config.train.log)
    fabric = launch(config)
    with _alone(run, fabric):
        kept = configs.from_dict(configs.to_dict(config))
        config.train.weights = config.train.encoder_weights = None  # the saved state holds what came of them
        if config.model.get("pretrained"):
            config.model["pretrained"] = False
        task = tasks.create(config)
        data = compare(run, task, accept)
        if kept.data.root is not None:
            kept.data.root = str(task.train.root.resolve())
        if data.changes:
            for warning in task.check() if config.data.check else []:
                LOG.warning(warning)
            for one in (config, kept):  # an epoch keeps its steps, else it would end twice or not at all
                one.train.steps_per_epoch = one.train.steps_in_epoch(data.scenes_before or len(task.train))
        training = Trainer(config, run, task, fabric, resume=True, hooks=hooks)
        if data.changes:
            data.record.accepted.append({"step": training.step, "changes": data.changes})
            LOG.info("resumed with other data: %s", data.changes)
        training.change_data(data.record.steps, data.val_changed)
        if fabric.is_global_zero:
            data.record.write(run)
            if changes:
                write_text(run.config, configs.dump(kept))
        if micro_batch := changes.get("train", {}).get("micro_batch"):  # else what the last steps were computed in
            training.gradients.micro_batch = micro_batch
        return training.fit()


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the keys in which two configurations differ; a Python file that has moved is the same."""

    def same(one: Any, other: Any) -> bool:
        moved = is_file_name(one) and is_file_name(other) and Path(one).name == Path(other).name
        return bool(one == other or moved)

    known = configs.flat(before)
    return [key for key, value in configs.flat(after).items() if key not in known or not same(known[key], value)]


def _alone(run: RunDirectory, fabric: Fabric) -> AbstractContextManager[None]:
    """Hold the run directory; the first process does it for all."""
    return alone(run.path, "is trained by") if fabric.is_global_zero else nullcontext()


def find_unfinished(config: Config, runs: Path) -> RunDirectory | None:
    """Return the newest run of a configuration that has a saved state, if there is one."""
    states = sorted(runs.glob("*/state.ckpt"), key=lambda path: path.stat().st_mtime, reverse=True)
    return next(
        (run for run in (RunDirectory(path.parent) for path in states) if _same_run(config, run.load_config())), None
    )


def what_changes(config: Config, run: RunDirectory) -> dict[str, Any]:
    """Return what a configuration asks a run to do otherwise from now on, as nested plain data."""
    usual, before, asked = (configs.flat(configs.to_dict(c)) for c in (Config(), run.load_config(), config))
    found: dict[str, Any] = {}
    for key in MAY_CHANGE - {"data.root"}:
        if asked[key] not in (usual[key], before[key]):
            section, _, name = key.partition(".")
            found.setdefault(section, {})[name] = asked[key]
    return found


def _same_run(config: Config, other: Config) -> bool:
    """Return whether two configurations make the same run: they differ in nothing but what may change."""
    roots = [Path(c.data.root).expanduser().resolve() for c in (config, other) if c.data.root]
    return _identity(config) == _identity(other) and len(set(roots)) < 2  # without one the environment names it


def _identity(config: Config) -> dict[str, Any]:
    data = configs.flat(configs.to_dict(config))
    data |= {"model.name": models.resolve(config.model_name), "data.name": datasets.resolve(config.data.name)}
    return {key: value for key, value in data.items() if key != "name" and key not in MAY_CHANGE}
