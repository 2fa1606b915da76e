"""Semantic segmentation: here a network, a loss, a label space and the scores meet."""

import logging
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import torch

from sceneseg import datasets, models
from sceneseg.arrays import ImageSize
from sceneseg.config.schema import Config
from sceneseg.datasets.base import SceneDataset
from sceneseg.datasets.statistics import class_weights, count_classes
from sceneseg.devices import gather, processes
from sceneseg.doctor import quick_check
from sceneseg.errors import ConfigError, DataError
from sceneseg.evaluation import scoring
from sceneseg.evaluation.counting import count_scenes
from sceneseg.evaluation.protocol import evaluation_protocol, score
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.samples import Samples
from sceneseg.inference.base import Predictor
from sceneseg.inference.predictor import Preprocessing, SemanticModel
from sceneseg.labels import IGNORE_INDEX, LabelSpace
from sceneseg.loading import scene_samples
from sceneseg.loading.sampling import ClassLocations, find_class_locations
from sceneseg.loading.scene_samples import TrainingSamples, WholeScenes, evenly
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.models.cost import model_cost
from sceneseg.progress import OnStep, silent
from sceneseg.records.model_cost import ModelCost
from sceneseg.records.run_directory import RunDirectory
from sceneseg.records.scores import Scores
from sceneseg.task_facts import SEMANTIC, TaskFacts
from sceneseg.tasks import register
from sceneseg.tasks.base import Task, Validation, segments
from sceneseg.tasks.initial_weights import prepare
from sceneseg.tasks.single_samples import check_single_samples
from sceneseg.tasks.training_step import TrainingStep
from sceneseg.tasks.validation_loss import ValidationLoss
from sceneseg.tasks.weighted_losses import WeightedLosses

LOG = logging.getLogger(__name__)


@register
class Semantic(Task):
    """A class for every pixel."""

    facts: ClassVar[TaskFacts] = SEMANTIC
    predictor: ClassVar[type[Predictor] | None] = SemanticModel
    has_label_images: ClassVar[bool] = True
    train: SceneDataset
    val: SceneDataset
    model: "SemanticModel"
    losses: WeightedLosses | None = None
    """Of the main head, once the training has made them."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        requested = config.data
        self.train, self.val = (
            datasets.create(requested.name, root=requested.root, split=split, **requested.options)
            for split in (requested.train_split, requested.val_split)
        )
        for part in (self.train, self.val):
            if not part.has_labels:
                raise DataError(f"{part.name}: the {part.split} split has no labels, so it can't be used for training.")

    @property
    def measured(self) -> frozenset[str]:
        """All scores of a validation that are one number, which may choose the best weights."""
        instances = any(files.instances for files in self.val.files)
        suiting = (metric for metric in self.metrics() if metric.suits(self.val.label_space))
        return frozenset(metric.key for metric in suiting if instances or not metric.needs_instances)

    def labels(self) -> dict[str, Any]:
        """Return the label space."""
        return self.train.label_space.to_dict()

    def cost(self) -> ModelCost:
        """Count at the size of the training samples."""
        config = self.config
        if not segments(config.model_name):
            raise ConfigError(
                f"{config.model_name} gives an image one class and can't segment. Choose another model, "
                f"or the task classification.",
                field="model.name",
            )
        check_single_samples(config, len(self.train.label_space), self.sample_size)
        return model_cost(config.model_name, len(self.train.label_space), self.sample_size, **config.model_arguments)

    @cached_property
    def sample_size(self) -> ImageSize:  # type: ignore[override]
        """(height, width) of training samples."""
        height, width = self.train.read(0).image.shape[:2]
        return self.config.augment.crop_size or self.config.data.target_size or (height, width)

    def check(self) -> list[str]:
        """Check headers and some masks with the doctor."""
        found = quick_check(self.train, self.val)
        return [f"{finding.kind}: {finding} See: sceneseg data doctor" for finding in found]

    def check_labels(self) -> None:
        """Read masks of each split until one has a labeled pixel."""
        for part in dict.fromkeys((self.train, self.val)):
            masks = (part.read_labels(i) for i in range(len(part)))
            if all(labels is None or (labels == IGNORE_INDEX).all() for labels in masks):
                raise DataError(
                    f"{part.name}: no pixel of the {part.split} split has a class, all are void. Compare the ids in "
                    f"the masks with those of the classes: {', '.join(part.label_space.names)[:80]}."
                )

    def create_model(self, precision: str) -> "SemanticModel":
        """Create the untrained model."""
        self.model = create_model(self.config, self.train.label_space, precision)
        return self.model

    def training_step(self) -> TrainingStep:
        """Return network and losses."""
        rule = self.config.train.class_weights
        weights = class_weights(count_classes(self.train), rule) if rule else None
        step = TrainingStep(self.model.network, self.config, weights)
        self.losses = step.main
        return step

    def training_samples(self, workers: int) -> TrainingSamples:
        """Return augmented scenes."""
        config = self.config
        cache = scene_samples.fits_in_memory(self.train, workers) if config.data.cache is None else config.data.cache
        places = self._places() if config.augment.class_uniform else None
        epochs = (config.train.epochs, config.train.steps_in_epoch(len(self.train)) * config.train.batch_size)
        return TrainingSamples(self.train, config.augment, config.seed, config.data.target_size, cache, places, epochs)

    def _places(self) -> ClassLocations:
        LOG.info("looking where the classes are in %d scenes", len(self.train))
        return find_class_locations(self.train)

    def validate(self, workers: int) -> Validation:
        """Score at the labels' native size; counts and a few samples are stored."""
        chosen = evenly(len(self.val), self.config.train.validation_steps)
        samples = Samples([self.val.files[i].name for i in chosen], self.val.label_space)
        rank, world = processes()  # which take turns, so that no scene counts twice
        scenes = scene_samples.scene_loader(WholeScenes(self.val, chosen[rank::world]), workers)
        loss = None if self.losses is None else ValidationLoss(self.losses)
        add = loss.add if loss else None
        counts = SemanticCounts(self.val.label_space)
        for part in gather(count_scenes(self.model, scenes, self.val.label_space, samples.add, on_prediction=add)):
            counts.merge(part)
        samples.kept = sorted(chain.from_iterable(gather(samples.kept)), key=lambda kept: kept[0].name)

        def write(run: RunDirectory) -> None:
            counts.save(run.confusion)
            samples.write(run.samples, counts)

        scores = score(counts, evaluation_protocol(self.val, counts, self.model))
        return Validation(scores, write, samples.sheet(), loss.mean() if loss else None)

    @classmethod
    def score_weights(cls, path: Path, request: Request, on_step: OnStep = silent) -> tuple[Scores, str]:
        """Score weights at the labels' native size; a run keeps scores, counts and samples."""
        return scoring.score_weights(path, request, on_step)


def create_model(config: Config, label_space: LabelSpace, precision: str) -> SemanticModel:
    """Create an untrained model by its configuration; the seed decides its weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = models.create(config.model_name, num_classes=len(label_space), **config.model_arguments)
    for line in prepare(network, config, label_space):
        LOG.info(line)
    model = {"name": network.name, **config.model_arguments}
    return SemanticModel(network, label_space, model, Preprocessing(config.data.target_size, precision))
