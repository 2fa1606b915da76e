"""The predictor of image classification: a network with its class names and the input it was made for."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from sceneseg.arrays import ImageArray, ImageSize
from sceneseg.devices import resolve_device
from sceneseg.errors import RunError
from sceneseg.inference.base import Predictor
from sceneseg.inference.images import as_image
from sceneseg.inference.networks import autocast, create_network, load_strictly, model_of, read_input
from sceneseg.inference.results import ClassAnswers
from sceneseg.loading.image_samples import crop_center
from sceneseg.metrics.classification import ClassificationCounts
from sceneseg.records import run_directory
from sceneseg.records.header import WeightsHeader
from sceneseg.records.predictions import Predictions
from sceneseg.task_facts import CLASSIFICATION

TASK = CLASSIFICATION.name
DEFAULT_SIZE = (224, 224)


@dataclass
class Preprocessing:
    """Preprocessing of a classifier's input.

    Args:
        target_size: (height, width) of the middle that it sees.
        precision: "32-true", "bf16-mixed" or "16-mixed".
    """

    target_size: ImageSize = DEFAULT_SIZE
    precision: str = "32-true"


@dataclass
class ClassificationModel(Predictor):
    """A network that knows its classes and the input it was made for.

    Args:
        network: The architecture with its weights.
        classes: Names of its outputs.
        model: Name and arguments the network was created with.
        input: Size and precision.
        header: Header of the weights file, if there was one.
    """

    network: nn.Module
    classes: list[str]
    model: dict[str, Any]
    input: Preprocessing = field(default_factory=Preprocessing)
    header: WeightsHeader | None = None

    @classmethod
    def load(cls, path: str | Path, device: str = "auto") -> Self:
        """Load a model from a run directory (its best weights) or from a weights file.

        Args:
            path: Run directory or ``*.safetensors``.
            device: auto, cpu, cuda, ...

        Raises:
            RunError: There are no weights, or they are of another kind.
        """
        file = run_directory.find_weights(Path(path))
        header = run_directory.read_header(file)
        if header.task != TASK:
            raise RunError(f"{file}: expected weights for {TASK}, found the task {header.task!r}.")
        if not (classes := header.classes):
            raise RunError(f"{file}: its header doesn't say what the classes are. Fetch or train the weights again.")
        facts = read_input(Preprocessing, header.input, file)
        named = model_of(header, file)
        network = create_network(named, len(classes), file)
        load_strictly(network, file)
        network.to(resolve_device(device), memory_format=torch.channels_last).eval()
        return cls(network, classes, named.to_dict(), facts, header)

    def save(self, path: Path, state: dict[str, Tensor], **facts: Any) -> None:
        """Write weights that describe themselves; `facts` (score, epoch) go into the header."""
        about = {"task": TASK, "model": self.model, "classes": self.classes, "input": asdict(self.input)}
        run_directory.save_weights(path, state, about | facts)

    @property
    def class_names(self) -> list[str]:
        """Names of the classes."""
        return self.classes

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def probabilities(self, image: Tensor) -> npt.NDArray[np.float32]:
        """Return the probabilities (B, C) of the classes for images (B, 3, H, W) uint8 of the network's size."""
        self.network.eval()
        with autocast(self.device, self.input.precision):
            logits: Tensor = self.network(image.to(self.device).float() / 255)
        array: npt.NDArray[np.float32] = logits.float().softmax(1).cpu().numpy()
        return array

    def predict(self, image: Any, name: str | None = None) -> "ImagePrediction":
        """Predict one image of any size.

        Args:
            image: A file; (H, W, 3) RGB of uint8, or of floats from 0 to 1; or a Pillow image.
            name: For the answer; the file when absent.

        Raises:
            ModelError: The image is anything else.
            DataError: The file can't be read.
        """
        name = name or (str(image) if isinstance(image, str | Path) else "image")
        middle = np.require(crop_center(as_image(image), self.input.target_size), requirements=["C", "W"])
        crop = torch.from_numpy(middle).permute(2, 0, 1)[None]
        return ImagePrediction(name, self.classes, self.probabilities(crop)[0])

    def problem_with(self, image: ImageArray) -> str | None:
        """Predict an image; its probabilities must sum to 1."""
        if np.isclose(self.predict(image).probabilities.sum(), 1, atol=1e-3):
            return None
        return f"the model's output isn't a probability for each of its {len(self.classes)} classes"

    def results(self, table: Predictions) -> ClassAnswers:
        """Return what writes the most probable classes."""
        return ClassAnswers(self, table)

    def evaluate(self, batches: Iterable[Any]) -> ClassificationCounts:
        """Predict labeled batches and note the answers.

        Args:
            batches: `sceneseg.loading.scene_samples.Batch`es with one label for each image.
        """
        answers = ClassificationCounts(self.classes)
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
