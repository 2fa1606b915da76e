"""Classification of whole images: here a network, its loss, the class names and the accuracy meet.

Training sees random crops, validation and prediction the middle of the image. The weights can start the encoder of a
segmentation model.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sceneseg import losses, models
from sceneseg.arrays import ImageSize
from sceneseg.config.schema import Config
from sceneseg.datasets.image_folder import ImageFolder
from sceneseg.datasets.statistics import ClassCounts, class_weights
from sceneseg.errors import ConfigError
from sceneseg.evaluation import image_scoring
from sceneseg.evaluation.image_scoring import BATCH, open_split, score
from sceneseg.evaluation.request import Request
from sceneseg.inference.base import Predictor
from sceneseg.inference.classifier import DEFAULT_SIZE, ClassificationModel, Preprocessing
from sceneseg.loading import scene_samples
from sceneseg.loading.image_samples import ImageSamples, image_loader
from sceneseg.models.cost import on_meta
from sceneseg.progress import OnStep, silent
from sceneseg.ranges import ClassWeights, Positive, Smoothing
from sceneseg.records.answers import write_answers
from sceneseg.records.model_cost import ModelCost
from sceneseg.records.scores import Scores
from sceneseg.registry import check_arguments
from sceneseg.task_facts import CLASSIFICATION, TaskFacts
from sceneseg.tasks import register
from sceneseg.tasks.base import Step, Task, Validation, segments
from sceneseg.tasks.single_samples import check_single_samples
from sceneseg.transforms.base import DeviceTransform
from sceneseg.transforms.pipeline import image_pipeline


@register
class Classification(Task):
    """A class for every image."""

    facts: ClassVar[TaskFacts] = CLASSIFICATION
    predictor: ClassVar[type[Predictor] | None] = ClassificationModel
    train: ImageFolder
    val: ImageFolder
    model: "ClassificationModel"

    def __init__(self, config: Config) -> None:
        refuse_pixel_options(config)
        requested = replace(config.data, target_size=config.data.target_size or DEFAULT_SIZE)
        super().__init__(replace(config, data=requested))
        self.train = open_split(requested.name, root=requested.root, split=requested.train_split, **requested.options)
        options = {**requested.options, "classes": self.train.classes}
        self.val = open_split(requested.name, root=requested.root, split=requested.val_split, **options)

    @property
    def sample_size(self) -> ImageSize:  # type: ignore[override]
        """(height, width) of training samples."""
        return self.size

    @property
    def size(self) -> ImageSize:
        """(height, width) that the network sees."""
        return self.config.data.target_size or DEFAULT_SIZE

    def labels(self) -> dict[str, Any]:
        """Return the class names."""
        return {"name": self.train.name, "classes": self.train.classes}

    def cost(self) -> ModelCost:
        """Count on the meta device; this also finds a size that the network can't take."""
        name = self.config.model_name
        if segments(name):
            raise ConfigError(
                f"{name} segments, and can't give an image one class. Choose the model classifier with an "
                f"encoder, or the task semantic.",
                field="model.name",
            )
        check_single_samples(self.config, len(self.train.classes), self.size)
        network = on_meta(name, len(self.train.classes), **self.config.model_arguments).eval()
        image = torch.empty(1, network.in_channels, *self.size, device="meta")
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(image)
        parameters = sum(p.numel() for p in network.parameters())
        return ModelCost(name, parameters, parameters, counter.get_total_flops() / 2e9, size=self.size)

    def check(self) -> list[str]:
        """Refuse options that mean nothing for whole images."""
        augment = self.config.augment
        for option in ("weather", "class_uniform", "progressive"):
            if getattr(augment, option):
                raise ConfigError(f"augment.{option} is for scenes with labeled pixels. Leave it out here.")
        if self.config.aux_loss:
            raise ConfigError("aux_loss is for auxiliary heads, which a classifier doesn't have. Leave it out here.")
        return []

    def create_model(self, precision: str) -> "ClassificationModel":
        """Create the untrained model."""
        self.model = create_model(self.config, self.train.classes, precision)
        return self.model

    def training_step(self) -> "ClassificationStep":
        """Return network and loss."""
        rule = self.config.train.class_weights
        weights = class_weights(count_images(self.train), rule) if rule else None
        transforms = image_pipeline(self.config.augment).device
        return ClassificationStep(self.model.network, self.config.loss, weights, transforms)

    def training_samples(self, workers: int) -> ImageSamples:
        """Return random crops."""
        config = self.config
        cache = scene_samples.fits_in_memory(self.train, workers) if config.data.cache is None else config.data.cache
        return ImageSamples(self.train, config.augment, config.seed, self.size, cache)

    def validate(self, workers: int) -> Validation:
        """Score the middle of each image; the prediction of each is stored."""
        answers = self.model.evaluate(image_loader(self.val, self.size, workers, BATCH))
        return Validation(
            score(answers, self.val, self.model), lambda run: write_answers(run.answers, answers.answers())
        )

    @classmethod
    def score_weights(cls, path: Path, request: Request, on_step: OnStep = silent) -> tuple[Scores, str]:
        """Score weights by the middle of each image; a run keeps scores and answers."""
        return image_scoring.score_weights(path, request, on_step)


class ClassificationStep(Step):
    """Device transforms, network and loss.

    Args:
        network: What is trained.
        loss: ``{cross_entropy: WEIGHT}`` or ``{cross_entropy: {label_smoothing: 0.1, ...}}``.
        class_weights: One per class, or None.
        transforms: Device transforms by their names, in order; none when None.

    Raises:
        ConfigError: Another loss, or an argument that it doesn't take.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: dict[str, Any],
        class_weights: list[float] | None,
        transforms: Mapping[str, DeviceTransform] | None = None,
    ) -> None:
        super().__init__(transforms)
        self.network = network
        if [losses.losses.resolve(name) for name in loss] != ["cross_entropy"]:
            raise ConfigError(f"Classification is trained with the loss cross_entropy alone, found {', '.join(loss)}.")
        given = next(iter(loss.values()))
        arguments = {"class_weights": class_weights} | (dict(given) if isinstance(given, dict) else {"weight": given})
        check_arguments(cross_entropy, arguments, 'loss "cross_entropy" of classification')
        self.factor, self.criterion = cross_entropy(**arguments)

    def outputs(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return the logits (B, C)."""
        return (self.network(pixels),)

    def loss(self, outputs: tuple[Tensor, ...], labels: Tensor, whole: Tensor | None = None) -> Tensor:
        """Return the weighted loss."""
        loss = self.factor * self.criterion(outputs[0], labels)
        return loss if whole is None else loss * (self.weights(labels) / whole).float().squeeze()

    def weights(self, labels: Tensor) -> Tensor:
        """Return the number of images, weighted by class."""
        weights = self.criterion.weight
        return (torch.tensor(float(len(labels))) if weights is None else weights[labels].sum()).double()[None]


def cross_entropy(
    weight: Positive = 1.0, class_weights: ClassWeights | None = None, label_smoothing: Smoothing = 0.0
) -> tuple[float, nn.CrossEntropyLoss]:
    """Return the loss of whole images and its weight."""
    weights = None if class_weights is None else torch.tensor(class_weights)
    return float(weight), nn.CrossEntropyLoss(weights, label_smoothing=label_smoothing)


def count_images(dataset: ImageFolder) -> ClassCounts:
    """Count the images of each class, as if each were one pixel."""
    images = np.bincount([file.label for file in dataset.files], minlength=len(dataset.classes))
    return ClassCounts(np.append(images, 0), np.full(len(images), images.sum()), images)


def refuse_pixel_options(config: Config) -> None:
    """Refuse options that only segmentation has, where they would have no effect.

    Raises:
        ConfigError: Which one, and what to write instead.
    """
    if config.augment.crop_size is not None:
        raise ConfigError(
            "Classification trains on samples of the size that the network sees. Give it as data.target_size, "
            "and leave augment.crop_size out.",
            field="augment.crop_size",
        )
    given = {
        "data.coarse": config.data.coarse,
        "data.label_space": config.data.label_space,
        "train.weights": config.train.weights,
        "train.encoder_weights": config.train.encoder_weights,
        "train.freeze": config.train.freeze,
        "train.validation_steps": config.train.validation_steps,
    }
    for option, value in given.items():
        if value:
            raise ConfigError(f"{option} is for segmentation, not classification. Leave it out.", field=option)


def create_model(config: Config, classes: list[str], precision: str) -> ClassificationModel:
    """Create an untrained model by its configuration; the seed decides its weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = models.create(config.model_name, num_classes=len(classes), **config.model_arguments)
    return ClassificationModel(
        network, classes, config.model, Preprocessing(config.data.target_size or DEFAULT_SIZE, precision)
    )
