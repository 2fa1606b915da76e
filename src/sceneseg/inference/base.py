"""Base class of predictors: what the verbs need of trained weights, whatever their task."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from sceneseg.arrays import ImageArray
from sceneseg.errors import ConfigError
from sceneseg.inference.results import Results
from sceneseg.records.header import WeightsHeader
from sceneseg.records.predictions import Predictions


class Predictor(ABC):
    """A network that knows what its outputs mean and the input it was made for; each task names its subclass.

    Example:
        >>> from sceneseg.inference.predictor import SemanticModel
        >>> issubclass(SemanticModel, Predictor)
        True
    """

    network: nn.Module
    """The architecture with its weights."""
    input: Any
    """Input of the network; `target_size` and `precision` are among it."""
    header: WeightsHeader | None
    """Header of the weights file, if there was one."""

    @classmethod
    @abstractmethod
    def load(cls, path: str | Path, device: str = "auto") -> Self:
        """Load a model from a run directory (its best weights) or from a weights file.

        Raises:
            RunError: There are no weights, or they are of another kind.
        """

    @abstractmethod
    def save(self, path: Path, state: dict[str, Tensor], **facts: Any) -> None:
        """Write weights that describe themselves; `facts` (score, epoch) go into the header."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Device of the network."""

    def compute_with(self, engine: str) -> None:
        """Choose the engine that computes the network; this default has torch alone.

        Raises:
            ConfigError: The engine can't be chosen, isn't installed, or can't compute on the model's device.
        """
        raise ConfigError("engine: such weights are computed by torch alone. Leave it out.", field="engine")

    @property
    @abstractmethod
    def class_names(self) -> list[str]:
        """Names of the classes; empty where there are none."""

    @abstractmethod
    def predict(self, image: Any, name: str | None = None) -> Any:
        """Predict one image of any size, a file or an array."""

    @abstractmethod
    def problem_with(self, image: ImageArray) -> str | None:
        """Predict an image and say in a few words what is wrong with the outcome; None where it is as it should be."""

    @abstractmethod
    def results(self, table: Predictions) -> Results:
        """Return what writes predictions into the results folder of a table."""
