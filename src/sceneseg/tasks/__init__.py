"""Tasks: the only place where model, loss, metric and label space meet."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Union

from sceneseg.metrics import metrics_of
from sceneseg.records import run_directory
from sceneseg.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from sceneseg.config.schema import Config
    from sceneseg.inference.classifier import ClassificationModel
    from sceneseg.inference.predictor import SemanticModel
    from sceneseg.tasks.base import Task

tasks: Registry["Task"] = Registry("task", __name__)
register = tasks.register


def create(config: "Config") -> "Task":
    """Create the configured task and open its data.

    Raises:
        DataError: A folder, split or label file that isn't there, or data of another kind.
    """
    return tasks.create(config.task, config=config)


def best_score(task: str) -> tuple[str, str]:
    """Return by which score the best weights of a task are chosen, and its name for people."""
    metric = metrics_of(task)[0]
    return metric.key, metric.in_words


def task_of(path: str | Path) -> str:
    """Return the task that a run's weights, or a weights file, were made for.

    Raises:
        RunError: There are no weights.
    """
    return str(run_directory.read_header(run_directory.find_weights(Path(path))).get("task"))


def load(
    path: "str | PathLike[str]", device: str = "auto", module: "nn.Module | None" = None
) -> Union["SemanticModel", "ClassificationModel"]:
    """Load a model of any task from a run directory (its best weights) or from a weights file.

    Args:
        path: Run directory or ``*.safetensors``.
        device: auto, cpu, cuda, ...
        module: Of the class that was given to `sceneseg.train`, if it was one of the user's own.

    Raises:
        RunError: There are no weights, or they can't be read.
        UnknownNameError: The weights belong to a class of the user's own, and it wasn't given.
    """
    path = Path(path)
    if module is not None:
        from sceneseg.models._own import lent

        with lent(module):
            return load(path, device)
    if task_of(path) == "classification":
        from sceneseg.inference.classifier import ClassificationModel

        return ClassificationModel.load(path, device)
    from sceneseg.inference.predictor import SemanticModel

    return SemanticModel.load(path, device)
