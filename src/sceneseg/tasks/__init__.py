"""Tasks: the only place where model, loss, metric and label space meet."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Union

from sceneseg.metrics import metrics_of
from sceneseg.records import run_directory
from sceneseg.registry import Registry
from sceneseg.user_files import allow

if TYPE_CHECKING:
    from torch import nn

    from sceneseg.config.schema import Config
    from sceneseg.inference.classifier import ClassificationModel
    from sceneseg.inference.predictor import SemanticModel
    from sceneseg.tasks.base import Task

tasks: Registry["Task"] = Registry("task", __name__, field="task")
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
    return str(run_directory.read_header(run_directory.find_weights(Path(path))).task)


def load(
    path: "str | PathLike[str]", device: str = "auto", module: "nn.Module | str | None" = None
) -> Union["SemanticModel", "ClassificationModel"]:
    """Load a model of any task from a run directory (its best weights) or from a weights file.

    Args:
        path: Run directory or ``*.safetensors``.
        device: auto, cpu, cuda, ...
        module: The user-supplied module that was given to `sceneseg.train`, or ``FILE.py:NAME`` of the class that
            the weights are of; a Python file isn't run on the word of a weights file.

    Raises:
        RunError: There are no weights, or they can't be read.
        UnknownNameError: The weights belong to a user-supplied class, and it wasn't given.
    """
    path = Path(path)
    if isinstance(module, str):
        allow(module)
    elif module is not None:
        from sceneseg.models.user_module import user_supplied

        with user_supplied(module):
            return load(path, device)
    if task_of(path) == "classification":
        from sceneseg.inference.classifier import ClassificationModel

        return ClassificationModel.load(path, device)
    from sceneseg.inference.predictor import SemanticModel

    return SemanticModel.load(path, device)
