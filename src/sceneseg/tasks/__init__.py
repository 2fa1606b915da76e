"""Tasks: the only place where model, loss, metric and label space meet."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneseg.errors import ConfigError
from sceneseg.metrics import metrics_of
from sceneseg.records import run_directory
from sceneseg.registry import Registry
from sceneseg.task_facts import facts_of
from sceneseg.user_files import allow

if TYPE_CHECKING:
    from torch import nn

    from sceneseg.config.schema import Config
    from sceneseg.inference.base import Predictor
    from sceneseg.tasks.base import Task

tasks: Registry["Task"] = Registry("task", __name__, field="task")
register = tasks.register


def create(config: "Config") -> "Task":
    """Create the configured task and open its data.

    Raises:
        DataError: A folder, split or label file that isn't there, or data of another kind.
    """
    return tasks.create(config.task, config=config)


def task_class(name: str) -> "type[Task]":
    """Return the class of a task, for what needs no data.

    Raises:
        UnknownNameError: There is no such task, or its file wasn't allowed to run.
    """
    maker: Any = tasks.get(name)
    task: type[Task] = maker
    return task


def best_score(task: str, asked: str | None = None) -> tuple[str, str]:
    """Return by which score the best weights are chosen, and its name within a sentence.

    Args:
        task: Name of the task.
        asked: Key of the score that the configuration asks for; None: the first of the task.

    Example:
        >>> best_score("semantic"), best_score("semantic", "mean_dice")
        (('mean_iou', 'mean IoU'), ('mean_dice', 'mean Dice'))
    """
    words = {metric.key: metric.in_words for metric in metrics_of(facts_of(task).name)}
    in_history = (metric.key for metric in metrics_of(facts_of(task).name) if metric.in_history)
    key = asked or next(in_history)
    return key, words.get(key, key)


def task_of(path: str | Path) -> str:
    """Return the task that a run's weights, or a weights file, were made for.

    Raises:
        RunError: There are no weights.
    """
    return str(run_directory.read_header(run_directory.find_weights(Path(path))).task)


def load(path: "str | PathLike[str]", device: str = "auto", module: "nn.Module | str | None" = None) -> "Predictor":
    """Load a model of any task from a run directory (its best weights) or from a weights file.

    Args:
        path: Run directory or ``*.safetensors``.
        device: auto, cpu, cuda, ...
        module: The user-supplied module that was given to `sceneseg.train`, or ``FILE.py:NAME`` of the class that
            the weights are of; a Python file isn't run on the word of a weights file.

    Raises:
        RunError: There are no weights, or they can't be read.
        UnknownNameError: The weights belong to a user-supplied class, and it wasn't given.
        ConfigError: The weights are of a task that only trains.
    """
    path = Path(path)
    if isinstance(module, str):
        allow(module)
    elif module is not None:
        from sceneseg.models.user_module import user_supplied

        with user_supplied(module):
            return load(path, device)
    task = task_class(task_of(path))
    if task.predictor is None:
        raise ConfigError(f"{path}: weights of the task {task.facts.name} can only be trained: it has no predictor.")
    return task.predictor.load(path, device)
