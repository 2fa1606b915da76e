"""Base class of tasks: what the training loop must know of data, model and scores."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sceneseg import models
from sceneseg.arrays import ImageSize
from sceneseg.config.schema import Config
from sceneseg.devices import check_compiler
from sceneseg.errors import ConfigError, DataError
from sceneseg.evaluation.request import Request
from sceneseg.inference.base import Predictor
from sceneseg.metrics import metrics_of
from sceneseg.metrics.base import Metric
from sceneseg.models.base import SegmentationModel
from sceneseg.progress import OnStep, silent
from sceneseg.records.model_cost import ModelCost
from sceneseg.records.run_directory import RunDirectory
from sceneseg.records.scores import Scores
from sceneseg.task_facts import TaskFacts, remember
from sceneseg.transforms.base import FULL_SCALE, DeviceTransform, Sample
from sceneseg.user_files import snake_case


class Split(Protocol):
    """A part of a data set."""

    name: str
    root: Path

    def __len__(self) -> int:
        """Return the number of images."""
        ...


class Model(Protocol):
    """A network with the meaning of its outputs and the way it is stored."""

    @property
    def network(self) -> nn.Module:
        """The architecture with its weights."""
        ...

    def save(self, path: Path, state: dict[str, Tensor], **facts: Any) -> None:
        """Write weights that describe themselves."""
        ...


@dataclass(frozen=True)
class Validation:
    """Result of one validation pass.

    Args:
        scores: Of the split, with their protocol.
        write: Writes what else is worth keeping if these are the best scores so far.
        picture: (H, W, 3) uint8 to look at, if there is one.
        loss: The training's main loss on the split, where it is known.
    """

    scores: Scores
    write: Callable[[RunDirectory], None]
    picture: npt.NDArray[np.uint8] | None = None
    loss: float | None = None


class Step(nn.Module, ABC):
    """The part of training that runs on the device: device transforms, network, losses.

    A batch may come in parts (several processes, or more samples than fit into the memory). The loss of a part is then
    its share of the whole batch's, so that the gradients of the parts add up to those of the batch.

    Args:
        transforms: Device transforms by their names, in order, see `sceneseg.transforms.pipeline.Pipeline.device`; none
            when None.
    """

    def __init__(self, transforms: Mapping[str, DeviceTransform] | None = None) -> None:
        super().__init__()
        self.transforms = dict(transforms or {})

    def forward(
        self,
        image: Tensor,
        params: Mapping[str, Tensor],
        labels: Tensor | None = None,
        whole: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, ...]:
        """Return the loss of a batch, or without labels the network's outputs.

        Args:
            image: (B, 3, H, W) uint8, uint16 or float32.
            params: What each device transform has drawn, (B, ...) float32 by its name.
            labels: (B, H, W) uint8 train ids, or (B,) int64 classes of whole images.
            whole: What `weights` gives for the whole batch, where this is a part of it.

        Raises:
            DataError: A device transform returned images of another size.
        """
        with torch.autocast(image.device.type, enabled=False):  # colors in full precision
            pixels = image.float() / FULL_SCALE[str(image.dtype).removeprefix("torch.")]
            for name, transform in self.transforms.items():
                changed = transform.apply(pixels, params[name])
                if changed.shape != pixels.shape:
                    raise DataError(
                        f"The transform {name} must return images of the same size, {tuple(pixels.shape)}; it "
                        f"returned {tuple(changed.shape)}."
                    )
                pixels = changed
        outputs = self.outputs(pixels)
        return outputs if labels is None else self.loss(outputs, labels, whole)

    @abstractmethod
    def outputs(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return what the network makes of (B, 3, H, W) in [0, 1]."""

    def compile(self) -> None:
        """Compile `outputs` with PyTorch: the network alone, in training alone. Names of weights stay the same.

        Raises:
            ConfigError: There is no compiler for the code that PyTorch's compiler writes.
        """
        check_compiler()
        self.outputs = torch.compile(self.outputs)  # type: ignore[method-assign]

    @abstractmethod
    def loss(self, outputs: tuple[Tensor, ...], labels: Tensor, whole: Tensor | None = None) -> Tensor:
        """Return the loss of outputs."""

    @abstractmethod
    def weights(self, labels: Tensor) -> Tensor | None:
        """Return what each loss divides by, one number for each; None if a loss isn't a mean of its pixels."""


class Task(ABC):
    """Task with its data; the loop asks for the model, then for the step and the samples, then for validations.

    Adding one is one file with a subclass and ``@register``. What verbs and reports ask without any data stands in the
    class: `facts`, `predictor`, `score_weights`; its metrics are those on the shelf that name it among their `tasks`.

    Args:
        config: The configuration of the run; `Task.config` is it with the values that the task resolves.

    Raises:
        DataError: A folder, split or label file that isn't there, or data of another kind.
    """

    facts: ClassVar[TaskFacts]
    """What configurations and reports need to know; a subclass without any has its base's, else no more than a name."""
    predictor: ClassVar[type[Predictor] | None] = None
    """What loads its weights; None for a task that only trains."""
    has_label_images: ClassVar[bool] = False
    """Whether the labels of a batch are (B, H, W), by which is planned how many samples fit into the memory."""

    sample_size: ImageSize
    """(height, width) of training samples."""
    train: Split
    val: Split
    model: Model

    def __init__(self, config: Config) -> None:
        self.config = config

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if not hasattr(cls, "facts"):
            cls.facts = TaskFacts(snake_case(cls.__name__))
        remember(cls, cls.facts)

    @classmethod
    def metrics(cls) -> list[Metric[Any]]:
        """Return the metrics of the task, the one that decides which weights are the best first."""
        return metrics_of(cls.facts.name)

    @property
    def scores(self) -> dict[str, str]:
        """Scores that stand in history.csv, and their names in a sentence."""
        return {metric.key: metric.in_words for metric in self.metrics() if metric.in_history}

    @property
    def measured(self) -> frozenset[str]:
        """All scores of a validation that are one number, which may choose the best weights."""
        return frozenset(metric.key for metric in self.metrics())

    @abstractmethod
    def labels(self) -> dict[str, Any]:
        """Return the contents of labels.json: what the model's outputs mean."""

    @abstractmethod
    def cost(self) -> ModelCost:
        """Return name, parameters and operations of the model.

        Raises:
            ConfigError: The model is of another kind than the task.
        """

    def check(self) -> list[str]:
        """Look for what would spoil the training, as far as that takes seconds; return warnings.

        Raises:
            DataError: There are errors; the message has all of them.
        """
        return []

    def check_labels(self) -> None:
        """Look whether there is anything to learn from and to score by; this is cheap where there is.

        Raises:
            DataError: A split without a labeled pixel.
        """
        return None

    @abstractmethod
    def create_model(self, precision: str) -> Model:
        """Create the untrained model, keep it as `model` and return it; the seed decides its weights."""

    @abstractmethod
    def training_step(self) -> Step:
        """Return what turns a `sceneseg.loading.scene_samples.Batch` into a loss, on the device."""

    @abstractmethod
    def training_samples(self, workers: int) -> Dataset[Sample]:
        """Return the endless row of training samples, for that many reading processes."""

    @abstractmethod
    def validate(self, workers: int) -> Validation:
        """Score the model as it is on the validation split."""

    @classmethod
    def score_weights(cls, path: Path, request: Request, on_step: OnStep = silent) -> tuple[Scores, str]:
        """Score a run's best weights or a weights file on a split, and keep the scores of a run under `evaluations`.

        Args:
            path: Run directory or weights file.
            request: What is scored.
            on_step: Called as it goes.

        Returns:
            The scores, and the printed table.

        Raises:
            ConfigError: The task scores nothing but its own validations, as this default.
        """
        raise ConfigError(
            f"Weights of the task {cls.facts.name} are scored in training alone: see metrics.json of the run.",
            field="weights",
        )


def segments(model: str) -> bool:
    """Return whether a model of that name gives classes to pixels, as opposed to whole images."""
    maker: Any = models.models.get(model)
    return issubclass(maker, SegmentationModel)
