"""What the training loop must know of a task: its data, its model, its scores."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sceneseg import models, runs
from sceneseg.config import Config
from sceneseg.errors import RunError
from sceneseg.models._base import SegmentationModel
from sceneseg.runs import Run


class Split(Protocol):
    """A part of a data set."""

    name: str
    root: Path

    def __len__(self) -> int:
        """Return the number of images."""
        ...


class Model(Protocol):
    """A network that knows what its outputs mean and how it is stored."""

    @property
    def network(self) -> nn.Module:
        """The architecture with its weights."""
        ...

    def save(self, path: Path, state: dict[str, Tensor], **facts: Any) -> None:
        """Write weights that describe themselves."""
        ...


@dataclass(frozen=True)
class Validation:
    """What came of a validation.

    Args:
        scores: The contents of metrics.json.
        write: Writes what else is worth keeping if these are the best scores so far.
        picture: (H, W, 3) uint8 to look at, if there is one.
    """

    scores: dict[str, Any]
    write: Callable[[Run], None]
    picture: npt.NDArray[np.uint8] | None = None


class Task(ABC):
    """One task with its data; the loop asks for the model, then for the step and the samples, then for validations.

    Args:
        config: The configuration of the run; values that the task resolves are written into it.

    Raises:
        DataError: A folder, split or label file that isn't there, or data of another kind.
    """

    scores: ClassVar[dict[str, str]]
    """Scores that stand in history.csv and their names for people; the first decides which weights are the best."""

    train: Split
    val: Split
    model: Model

    def __init__(self, config: Config) -> None:
        self.config = config

    @abstractmethod
    def labels(self) -> dict[str, Any]:
        """Return the contents of labels.json: what the model's outputs mean."""

    @abstractmethod
    def cost(self) -> dict[str, Any]:
        """Return the contents of model.json: name, parameters and operations.

        Raises:
            ConfigError: The model is of another kind than the task.
        """

    def check(self) -> list[str]:
        """Look for what would spoil the training, as far as that takes seconds; return warnings.

        Raises:
            DataError: There are errors; the message has all of them.
        """
        return []

    @abstractmethod
    def create_model(self, precision: str) -> Model:
        """Create the untrained model, keep it as `model` and return it; the seed decides its weights."""

    @abstractmethod
    def training_step(self) -> nn.Module:
        """Return what turns (image, labels, colour) of a `sceneseg.data.loading.Batch` into a loss, on the device."""

    @abstractmethod
    def training_samples(self, workers: int) -> Dataset[tuple[Any, ...]]:
        """Return the endless row of training samples, for that many reading processes."""

    @abstractmethod
    def validate(self, workers: int) -> Validation:
        """Score the model as it is on the validation split."""


def segments(model: str) -> bool:
    """Return whether a model of that name gives classes to pixels, as opposed to whole images."""
    maker: Any = models.models.get(model)
    return issubclass(maker, SegmentationModel)


def load_strictly(network: nn.Module, file: Path) -> None:
    """Give a network the weights of a file, each tensor exactly once.

    Raises:
        RunError: They don't belong to this network.
    """
    try:
        network.load_state_dict(runs.load_weights(file))
    except RuntimeError as error:
        found = str(error).split("\n\t")
        more = f" and {len(found) - 2} more" if len(found) > 2 else ""
        raise RunError(
            f"{file}: these weights don't fit the model that their header names ({found[1].strip()}{more}). The file "
            f"was put together wrongly, or by another version of sceneseg."
        ) from None


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context in which a network runs at "32-true", "bf16-mixed" or "16-mixed"."""
    dtype = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(precision)
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)
