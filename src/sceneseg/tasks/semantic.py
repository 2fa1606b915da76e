"""Semantic segmentation: here a network, a loss, a label space and the scores meet."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor

import sceneseg
from sceneseg import datasets, models
from sceneseg.config.schema import Config, Size
from sceneseg.datasets.base import Image, Scene, SceneDataset, read_image
from sceneseg.datasets.statistics import class_weights, count_classes
from sceneseg.devices import gather, processes, resolve_device, resolve_engine
from sceneseg.doctor import quick_check
from sceneseg.errors import ConfigError, DataError, RunError
from sceneseg.evaluation.samples import Samples
from sceneseg.inference.engines import OpenVINONetwork
from sceneseg.inference.prediction import Prediction
from sceneseg.inference.resizing import Pixels, as_input, nearest_labels, resize_picture
from sceneseg.kernels.upsample_argmax import upsample_argmax
from sceneseg.labels import IGNORE_INDEX, Labels, LabelSpace
from sceneseg.loading import scene_samples
from sceneseg.loading.sampling import ClassPlaces, find_places
from sceneseg.loading.scene_samples import TrainingSamples, WholeScenes
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.semantic import semantic_scores
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import model_cost
from sceneseg.records import runs
from sceneseg.records.runs import Run
from sceneseg.tasks import register
from sceneseg.tasks.base import Task, Validation, autocast, load_strictly, segments
from sceneseg.tasks.training_step import TrainingStep
from sceneseg.tasks.transfer import prepare

TASK = "semantic"


@register
class Semantic(Task):
    """A class for every pixel."""

    scores: ClassVar[dict[str, str]] = {"mean_iou": "mean IoU", "pixel_accuracy": "pixel accuracy"}
    train: SceneDataset
    val: SceneDataset
    model: "SemanticModel"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        wanted = config.data
        self.train, self.val = (
            datasets.create(wanted.name, root=wanted.root, split=split, **wanted.options)
            for split in (wanted.train_split, wanted.val_split)
        )
        for part in (self.train, self.val):
            if not part.has_labels:
                raise DataError(f"{part.name}: the {part.split} split has no labels, so it can't be used for training.")

    def labels(self) -> dict[str, Any]:
        """Return the label space."""
        return self.train.label_space.to_dict()

    def cost(self) -> dict[str, Any]:
        """Count at the size of the training samples."""
        config = self.config
        if not segments(config.model_name):
            raise ConfigError(
                f"{config.model_name} gives an image one class and can't segment. Choose another model with -m, "
                f"or --task classification."
            )
        return model_cost(config.model_name, len(self.train.label_space), self.sample_size, **config.model_arguments)

    @cached_property
    def sample_size(self) -> Size:  # type: ignore[override]
        """(height, width) of training samples."""
        height, width = self.train.read(0).image.shape[:2]
        return self.config.augment.crop_size or self.config.data.target_size or (height, width)

    def check(self) -> list[str]:
        """Let the doctor look at headers and some masks."""
        found = quick_check(self.train, self.val)
        return [f"{finding.kind}: {finding} See: sceneseg data doctor" for finding in found]

    def create_model(self, precision: str) -> "SemanticModel":
        """Create the untrained model."""
        self.model = SemanticModel.create(self.config, self.train.label_space, precision)
        return self.model

    def training_step(self) -> TrainingStep:
        """Return network and losses."""
        rule = self.config.train.class_weights
        weights = class_weights(count_classes(self.train), rule) if rule else None
        return TrainingStep(self.model.network, self.config, weights)

    def training_samples(self, workers: int) -> TrainingSamples:
        """Return augmented scenes."""
        config = self.config
        cache = scene_samples.fits_in_memory(self.train, workers) if config.data.cache is None else config.data.cache
        places = self._places() if config.augment.class_uniform else None
        epochs = (config.train.epochs, config.train.steps_in_epoch(len(self.train)) * config.train.batch_size)
        return TrainingSamples(self.train, config.augment, config.seed, config.data.target_size, cache, places, epochs)

    def _places(self) -> ClassPlaces:
        with Progress(transient=True) as progress:
            task = progress.add_task("looking where the classes are", total=len(self.train))
            return find_places(self.train, lambda done: progress.update(task, completed=done))

    def validate(self, workers: int) -> Validation:
        """Score at the labels' native size; what is kept are counts and a few samples."""
        samples = Samples([files.name for files in self.val.files], self.val.label_space)
        rank, world = processes()  # which take turns, so that no scene counts twice
        scenes = scene_samples.scene_loader(WholeScenes(self.val, range(rank, len(self.val), world)), workers)
        counts = SemanticCounts(self.val.label_space)
        for part in gather(self.model.evaluate(scenes, self.val.label_space, samples.add)):
            counts.merge(part)
        samples.kept = sorted(chain.from_iterable(gather(samples.kept)), key=lambda kept: kept[0].name)

        def write(run: Run) -> None:
            counts.save(run.confusion)
            samples.write(run.samples, counts)

        return Validation(score(counts, evaluation_protocol(self.val, self.model)), write, samples.sheet())


@dataclass
class Input:
    """What a network must be given, and how its answer is brought to the picture's size.

    Args:
        target_size: Images are resized to this (height, width) first; None leaves them as they are.
        precision: "32-true", "bf16-mixed" or "16-mixed".
        resize: One of `sceneseg.inference.resizing.METHODS`.
        enlarge: "logits" are interpolated to the picture's size before the choice of the class; "labels" are
            chosen at the network's size and enlarged by nearest neighbour.
    """

    target_size: Size | None = None
    precision: str = "32-true"
    resize: str = "opencv"
    enlarge: str = "logits"


@dataclass
class SemanticModel:
    """A network that knows its classes and the input it was made for.

    Args:
        network: The architecture with its weights.
        label_space: What its outputs mean.
        model: Name and arguments the network was created with.
        input: Size, precision and resizing.
        void_output: An output that stands for none of the classes.
        header: What the weights file said, if there was one.
    """

    network: SegmentationModel
    label_space: LabelSpace
    model: dict[str, Any]
    input: Input = field(default_factory=Input)
    void_output: int | None = None
    header: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create(cls, config: Config, label_space: LabelSpace, precision: str) -> Self:
        """Create an untrained model by its configuration; the seed decides its weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = models.create(config.model_name, num_classes=len(label_space), **config.model_arguments)
        for line in prepare(network, config, label_space):
            print(line)
        model = {"name": network.name, **config.model_arguments}
        return cls(network, label_space, model, Input(config.data.target_size, precision))

    @classmethod
    def load(cls, path: str | Path, device: str = "auto") -> Self:
        """Load a model from a run directory (its best weights) or from a weights file.

        Args:
            path: Run directory or ``*.safetensors``.
            device: auto, cpu, cuda, ...

        Raises:
            RunError: There are no weights, or they are of another kind.
        """
        file = runs.find_weights(Path(path))
        header = runs.read_header(file)
        if header.get("task") != TASK:
            raise RunError(f"{file}: expected weights for {TASK} segmentation, found the task {header.get('task')!r}.")
        space = LabelSpace.from_dict(header["label_space"])
        void = header.get("void_output")
        arguments = {k: v for k, v in header["model"].items() if k not in {"name", "pretrained"}}
        outputs = len(space) + (void is not None)
        network = models.create(header["model"]["name"], num_classes=outputs, **arguments)
        load_strictly(network, file)
        network.to(resolve_device(device), memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        facts = Input(**header["input"])
        facts.target_size = None if facts.target_size is None else (facts.target_size[0], facts.target_size[1])
        return cls(network, space, header["model"], facts, void, header)

    def save(self, path: Path, state: dict[str, Tensor], **facts: Any) -> None:
        """Write weights that describe themselves; `facts` (score, epoch) go into the header."""
        header = {
            "task": TASK,
            "model": self.model,
            "label_space": self.label_space.to_dict(),
            "void_output": self.void_output,
            "input": asdict(self.input),
            **facts,
        }
        runs.save_weights(path, state, header)

    def compute_with(self, engine: str) -> None:
        """Let an engine compute the network: "torch" or "openvino" (on a CPU, at the same precision).

        Raises:
            ConfigError: The engine isn't installed, or can't compute on the model's device.
        """
        network = self.network.network if isinstance(self.network, OpenVINONetwork) else self.network
        if resolve_engine(engine, self.device.type) == "openvino":
            network = OpenVINONetwork(network, self.input.precision)
        self.network = network

    @property
    def device(self) -> torch.device:
        """Where the network lies."""
        return self.network.mean.device

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which the network runs at its precision."""
        return autocast(self.device, self.input.precision)

    @torch.inference_mode()
    def predict(self, image: str | Path | Image, name: str | None = None) -> Prediction:
        """Predict one image of any size.

        Args:
            image: A file, or (H, W, 3) uint8 RGB.
            name: For the files of the prediction; the file's stem when absent.
        """
        if isinstance(image, str | Path):
            name = name or Path(image).stem
            image = read_image(Path(image))
        labels, coarse, covered = self._answer(image[None])
        align = self.network.align_corners
        return Prediction(image, labels[0], self.label_space, name or "image", coarse, covered, align)

    @torch.inference_mode()
    def predict_labels(self, images: Labels) -> Labels:
        """Predict several images of one size at once.

        Args:
            images: (B, H, W, 3) uint8 RGB.

        Returns:
            (B, H, W) uint8 train ids.
        """
        return self._answer(images)[0]

    def _answer(self, images: Labels) -> tuple[Labels, Tensor, tuple[float, float]]:
        """Return the images' labels, the coarse logits behind them, and how many image pixels these cover."""
        size = (images.shape[1], images.shape[2])
        pictures = [resize_picture(image, self.input.target_size, self.input.resize) for image in images]
        coarse = self._coarse_logits(pictures[0][None] if len(pictures) == 1 else np.stack(pictures))
        height, width = pictures[0].shape[:2]
        align = self.network.align_corners
        padded = self.network.padded_size(height, width)
        covered = (padded[0] * size[0] / height, padded[1] * size[1] / width)
        if self.input.enlarge == "labels":
            small = upsample_argmax(coarse, (height, width), covered=padded, align_corners=align).cpu().numpy()
            labels = np.stack([nearest_labels(one, size) for one in small])
        else:
            labels = upsample_argmax(coarse, size, covered=covered, align_corners=align).cpu().numpy()
        if self.void_output is not None:
            labels[labels == self.void_output] = IGNORE_INDEX
        return labels, coarse, covered

    def _coarse_logits(self, pictures: Pixels) -> Tensor:
        if isinstance(self.network, OpenVINONetwork):
            return self.network.of_pictures(pictures)
        self.network.eval()
        with self.autocast():
            return self.network.coarse_logits(as_input(pictures, self.device))[0]

    def evaluate(
        self,
        scenes: Iterable[Scene],
        label_space: LabelSpace,
        on_scene: Callable[[Scene, Labels], None] | None = None,
        mapping: Labels | None = None,
    ) -> SemanticCounts:
        """Predict labelled scenes and count.

        Args:
            scenes: Scenes with labels.
            label_space: That of the scenes.
            on_scene: Sees each scene with the labels predicted for it.
            mapping: (256,) train id of the scenes' space for each of the model's, where the spaces differ.
        """
        counts = SemanticCounts(label_space)
        for scene in scenes:
            prediction = self.predict(scene.image, scene.name).labels
            if mapping is not None:
                prediction = mapping[prediction]
            count_scene(counts, scene, prediction)
            if on_scene is not None:
                on_scene(scene, prediction)
        return counts


def count_scene(counts: SemanticCounts, scene: Scene, prediction: Labels) -> None:
    """Add one labelled scene and the labels predicted for it to the counts."""
    if scene.labels is None:
        raise ConfigError(f"{scene.name} has no labels to compare with. Give a split that has them, --split val.")
    counts.add(scene.name, scene.labels, prediction, scene.instances)


def score(counts: SemanticCounts, protocol: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of metrics.json: the protocol and every score."""
    return {"protocol": protocol, **semantic_scores(counts, counts.label_space, void=protocol["void"])}


def evaluation_protocol(dataset: SceneDataset, model: SemanticModel | None, void: str = "ignore") -> dict[str, Any]:
    """Say how a score comes about; scores of unlike protocols can't be ranked.

    Args:
        dataset: The scored split.
        model: What predicts; None when predictions come from files.
        void: "ignore": void truth never counts. "false_positive": a class predicted there is wrong.
    """
    names = "\n".join(files.name for files in dataset.files)
    protocol = {
        "dataset": dataset.name,
        "split": dataset.split,
        "images": len(dataset),
        "split_hash": sha256(names.encode()).hexdigest()[:16],
        "label_space": dataset.label_space.name,
        "scored_at": "native size of the labels",
        "void": void,
        "scorer": f"sceneseg {sceneseg.__version__}",
    }
    if model is not None:
        protocol |= {
            "input_size": list(model.input.target_size) if model.input.target_size else "native",
            "precision": model.input.precision,
            "window": "whole image",
            "tta": "none",
        }
    return protocol
