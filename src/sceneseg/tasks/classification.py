"""Classification of whole images: here a network, its loss, the class names and the accuracy meet.

Training sees random crops, validation and prediction the middle of the image. The weights can start the encoder of a
segmentation model.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import sceneseg
from sceneseg import datasets, losses, models
from sceneseg.config.schema import Config, Size
from sceneseg.datasets.base import Image, read_image
from sceneseg.datasets.image_folder import ImageFolder
from sceneseg.datasets.statistics import ClassCounts, class_weights
from sceneseg.devices import resolve_device
from sceneseg.errors import ConfigError, DataError, RunError
from sceneseg.loading import scene_samples
from sceneseg.loading.image_samples import CENTRE, ImageSamples, crop_centre, image_loader
from sceneseg.metrics.accuracy import Answers, accuracy_scores
from sceneseg.records import runs
from sceneseg.records.runs import Run, write_history
from sceneseg.registry import check_arguments
from sceneseg.tasks import register
from sceneseg.tasks.base import Step, Task, Validation, autocast, load_strictly, segments

TASK = "classification"
DEFAULT_SIZE = (224, 224)
BATCH = 32
"""Images at once in validation; the same whoever scores, so that the same weights get the same score."""


@register
class Classification(Task):
    """A class for every image."""

    scores: ClassVar[dict[str, str]] = {"top1": "top-1 accuracy", "top5": "top-5 accuracy"}
    train: ImageFolder
    val: ImageFolder
    model: "ClassificationModel"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        refuse_pixel_options(config)
        wanted = config.data
        self.train = open_split(wanted.name, root=wanted.root, split=wanted.train_split, **wanted.options)
        options = {**wanted.options, "classes": self.train.classes}
        self.val = open_split(wanted.name, root=wanted.root, split=wanted.val_split, **options)
        wanted.target_size = wanted.target_size or DEFAULT_SIZE

    @property
    def sample_size(self) -> Size:  # type: ignore[override]
        """(height, width) of training samples."""
        return self.size

    @property
    def size(self) -> Size:
        """(height, width) that the network sees."""
        return self.config.data.target_size or DEFAULT_SIZE

    def labels(self) -> dict[str, Any]:
        """Return the class names."""
        return {"name": self.train.name, "classes": self.train.classes}

    def cost(self) -> dict[str, Any]:
        """Count on the meta device; this also finds a size that the network can't take."""
        name = self.config.model_name
        if segments(name):
            raise ConfigError(
                f"{name} segments, and can't give an image one class. Choose -m classifier --model.encoder NAME, "
                f"or --task semantic."
            )
        arguments = {k: v for k, v in self.config.model_arguments.items() if k != "pretrained"}
        with torch.device("meta"):
            network: Any = models.create(name, num_classes=len(self.train.classes), **arguments).eval()
            image = torch.empty(1, network.in_channels, *self.size)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(image)
        parameters = sum(p.numel() for p in network.parameters())
        return {
            "name": name,
            "parameters": parameters,
            "parameters_training": parameters,
            "gmacs": counter.get_total_flops() / 2e9,
            "size": list(self.size),
        }

    def check(self) -> list[str]:
        """Refuse options that mean nothing for whole images."""
        augment = self.config.augment
        for option in ("weather", "class_uniform", "progressive"):
            if getattr(augment, option):
                raise ConfigError(f"augment.{option} is for scenes with labelled pixels. Leave it out here.")
        if self.config.aux_loss:
            raise ConfigError("aux_loss is for auxiliary heads, which a classifier doesn't have. Leave it out here.")
        return []

    def create_model(self, precision: str) -> "ClassificationModel":
        """Create the untrained model."""
        self.model = ClassificationModel.create(self.config, self.train.classes, precision)
        return self.model

    def training_step(self) -> "ClassificationStep":
        """Return network and loss."""
        rule = self.config.train.class_weights
        weights = class_weights(count_images(self.train), rule) if rule else None
        return ClassificationStep(self.model.network, self.config.loss, weights)

    def training_samples(self, workers: int) -> ImageSamples:
        """Return random crops."""
        config = self.config
        cache = scene_samples.fits_in_memory(self.train, workers) if config.data.cache is None else config.data.cache
        return ImageSamples(self.train, config.augment, config.seed, self.size, cache)

    def validate(self, workers: int) -> Validation:
        """Score the middle of each image; what is kept is the answer to each."""
        answers = self.model.evaluate(image_loader(self.val, self.size, workers, BATCH))
        return Validation(score(answers, self.val, self.model), lambda run: write_answers(run, answers))


@dataclass
class Input:
    """What a network must be given.

    Args:
        target_size: (height, width) of the middle that it sees.
        precision: "32-true", "bf16-mixed" or "16-mixed".
    """

    target_size: Size = DEFAULT_SIZE
    precision: str = "32-true"


@dataclass
class ClassificationModel:
    """A network that knows its classes and the input it was made for.

    Args:
        network: The architecture with its weights.
        classes: Names of its outputs.
        model: Name and arguments the network was created with.
        input: Size and precision.
        header: What the weights file said, if there was one.
    """

    network: nn.Module
    classes: list[str]
    model: dict[str, Any]
    input: Input = field(default_factory=Input)
    header: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create(cls, config: Config, classes: list[str], precision: str) -> Self:
        """Create an untrained model by its configuration; the seed decides its weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = models.create(config.model_name, num_classes=len(classes), **config.model_arguments)
        return cls(network, classes, config.model, Input(config.data.target_size or DEFAULT_SIZE, precision))

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
            raise RunError(f"{file}: expected weights for {TASK}, found the task {header.get('task')!r}.")
        arguments = {k: v for k, v in header["model"].items() if k not in {"name", "pretrained"}}
        network: Any = models.create(header["model"]["name"], num_classes=len(header["classes"]), **arguments)
        load_strictly(network, file)
        network.to(resolve_device(device), memory_format=torch.channels_last).eval()
        facts = Input(**header["input"])
        facts.target_size = (facts.target_size[0], facts.target_size[1])
        return cls(network, header["classes"], header["model"], facts, header)

    def save(self, path: Path, state: dict[str, Tensor], **facts: Any) -> None:
        """Write weights that describe themselves; `facts` (score, epoch) go into the header."""
        about = {"task": TASK, "model": self.model, "classes": self.classes, "input": asdict(self.input)}
        runs.save_weights(path, state, about | facts)

    @property
    def device(self) -> torch.device:
        """Where the network lies."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def probabilities(self, image: Tensor) -> npt.NDArray[np.float32]:
        """Return the probabilities (B, C) of the classes for images (B, 3, H, W) uint8 of the network's size."""
        self.network.eval()
        with autocast(self.device, self.input.precision):
            logits: Tensor = self.network(image.to(self.device).float() / 255)
        array: npt.NDArray[np.float32] = logits.float().softmax(1).cpu().numpy()
        return array

    def predict(self, image: str | Path | Image, name: str | None = None) -> "ImagePrediction":
        """Predict one image of any size.

        Args:
            image: A file, or (H, W, 3) uint8 RGB.
            name: Whatever it shall be called; the file when absent.
        """
        if isinstance(image, str | Path):
            name = name or str(image)
            image = read_image(Path(image))
        crop = torch.from_numpy(crop_centre(image, self.input.target_size)).permute(2, 0, 1)[None]
        return ImagePrediction(name or "image", self.classes, self.probabilities(crop)[0])

    def evaluate(self, batches: Iterable[Any]) -> Answers:
        """Predict labelled batches and note the answers.

        Args:
            batches: `sceneseg.loading.scene_samples.Batch`es with one label for each image.
        """
        answers = Answers(self.classes)
        for batch in batches:
            answers.add(batch.names, batch.labels.numpy(), self.probabilities(batch.image))
        return answers


@dataclass(frozen=True)
class ImagePrediction:
    """The prediction for one image.

    Args:
        name: Of the image.
        classes: Their names.
        probabilities: (C,) float32.
    """

    name: str
    classes: list[str]
    probabilities: npt.NDArray[np.float32]

    def top(self, count: int = 5) -> dict[str, float]:
        """Return the most probable classes and their probabilities, the first answer first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return {self.classes[i]: float(self.probabilities[i]) for i in order}


class ClassificationStep(Step):
    """Colour, network and loss.

    Args:
        network: What is trained.
        loss: ``{cross_entropy: WEIGHT}`` or ``{cross_entropy: {label_smoothing: 0.1, ...}}``.
        class_weights: One per class, or None.

    Raises:
        ConfigError: Another loss, or an argument that it doesn't take.
    """

    def __init__(self, network: nn.Module, loss: dict[str, Any], class_weights: list[float] | None) -> None:
        super().__init__()
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
    weight: float = 1.0, class_weights: list[float] | None = None, label_smoothing: float = 0.0
) -> tuple[float, nn.CrossEntropyLoss]:
    """Return the loss of whole images and its weight."""
    weights = None if class_weights is None else torch.tensor(class_weights)
    return float(weight), nn.CrossEntropyLoss(weights, label_smoothing=label_smoothing)


def open_split(name: str, **arguments: Any) -> ImageFolder:
    """Open a split of images with one class each, and say which files were skipped.

    Raises:
        DataError: It isn't where it should be, or is a data set of another kind.
    """
    dataset = datasets.datasets.create(name, **arguments)
    if not isinstance(dataset, ImageFolder):
        raise DataError(
            f"{dataset.name} has labels for pixels; --task classification needs images with one class each: "
            f"-d image_folder -p FOLDER."
        )
    if dataset.note:
        print(dataset.note)
    return dataset


def count_images(dataset: ImageFolder) -> ClassCounts:
    """Count the images of each class, as if each were one pixel."""
    images = np.bincount([file.label for file in dataset.files], minlength=len(dataset.classes))
    return ClassCounts(np.append(images, 0), np.full(len(images), images.sum()), images)


def score(answers: Answers, dataset: ImageFolder, model: ClassificationModel) -> dict[str, Any]:
    """Return the contents of metrics.json: the protocol and every score."""
    names = "\n".join(file.name for file in dataset.files)
    protocol = {
        "task": TASK,
        "dataset": dataset.name,
        "split": dataset.split,
        "images": len(dataset),
        "split_hash": sha256(names.encode()).hexdigest()[:16],
        "number_of_classes": len(dataset.classes),
        "input_size": list(model.input.target_size),
        "window": f"centre, {CENTRE:.3g} of the shorter side",
        "tta": "none",
        "precision": model.input.precision,
        "scorer": f"sceneseg {sceneseg.__version__}",
    }
    return {"protocol": protocol, **accuracy_scores(answers)}


def write_answers(run: Run, answers: Answers) -> None:
    """Write the answer to each image, from which every score follows."""
    write_history(run.path / "answers.csv", answers.rows())


def refuse_pixel_options(config: Config) -> None:
    """Refuse options that only segmentation has, where they would have no effect.

    Raises:
        ConfigError: Which one, and what to write instead.
    """
    if config.augment.crop_size is not None:
        raise ConfigError(
            "Classification trains on samples of the size that the network sees. Give it with -t HEIGHT WIDTH, "
            "and leave augment.crop_size out."
        )
    given = {
        "data.coarse": config.data.coarse,
        "data.label_space": config.data.label_space,
        "train.weights": config.train.weights,
        "train.encoder_weights": config.train.encoder_weights,
        "train.freeze": config.train.freeze,
    }
    for option, value in given.items():
        if value:
            raise ConfigError(f"{option} is for segmentation. Leave it out with --task classification.")
