"""The predictor of semantic segmentation: a network with its label space and the input it was made for."""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from sceneseg.arrays import AnyArray, ImageArray, ImageSize, LabelArray
from sceneseg.devices import resolve_device, resolve_engine
from sceneseg.errors import RunError
from sceneseg.inference.base import Predictor
from sceneseg.inference.engines import OpenVINONetwork
from sceneseg.inference.images import as_image, as_images
from sceneseg.inference.networks import autocast, create_network, load_strictly, model_of, read_input
from sceneseg.inference.prediction import Prediction
from sceneseg.inference.resizing import METHODS, as_input, nearest_labels, resize_picture
from sceneseg.inference.results import LabelImages
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.labels import IGNORE_INDEX, LabelSpace
from sceneseg.models.base import SegmentationModel
from sceneseg.records import run_directory
from sceneseg.records.header import WeightsHeader
from sceneseg.records.predictions import Predictions
from sceneseg.task_facts import SEMANTIC

TASK = SEMANTIC.name
ENLARGE = ("logits", "labels")


@dataclass
class Preprocessing:
    """Preprocessing of the network's input, and the size at which its output is returned.

    Args:
        target_size: Images are resized to this (height, width) first; None leaves them as they are.
        precision: "32-true", "bf16-mixed" or "16-mixed".
        resize: One of `sceneseg.inference.resizing.METHODS`.
        enlarge: "logits" are interpolated to the image's size before the choice of the class; "labels" are
            chosen at the network's size and enlarged by nearest neighbor.
    """

    target_size: ImageSize | None = None
    precision: str = "32-true"
    resize: str = "opencv"
    enlarge: str = "logits"


@dataclass
class SemanticModel(Predictor):
    """A network that knows its classes and the input it was made for.

    Args:
        network: The architecture with its weights.
        label_space: What its outputs mean.
        model: Name and arguments the network was created with.
        input: Size, precision and resizing.
        void_output: An output that stands for none of the classes.
        header: Header of the weights file, if there was one.
    """

    network: SegmentationModel
    label_space: LabelSpace
    model: dict[str, Any]
    input: Preprocessing = field(default_factory=Preprocessing)
    void_output: int | None = None
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
            raise RunError(f"{file}: expected weights for {TASK} segmentation, found the task {header.task!r}.")
        if header.label_space is None:
            raise RunError(
                f"{file}: expected a label space in its header, found none. Fetch or train the weights again."
            )
        space, void = header.label_space, header.void_output
        facts = read_input(Preprocessing, header.input, file)
        for what, word, known in (("resize", facts.resize, METHODS), ("enlarge", facts.enlarge, ENLARGE)):
            if word not in known:
                raise RunError(
                    f"{file}: expected {what} as one of {', '.join(known)}, found {word!r}. Update sceneseg."
                )
        named = model_of(header, file)
        network = create_network(named, len(space) + (void is not None), file)
        load_strictly(network, file)
        network.to(resolve_device(device), memory_format=torch.channels_last).eval()
        return cls(network, space, named.to_dict(), facts, void, header)

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
        run_directory.save_weights(path, state, header)

    @property
    def class_names(self) -> list[str]:
        """Names of the classes."""
        return self.label_space.names

    def problem_with(self, image: ImageArray) -> str | None:
        """Predict an image; every pixel of it must have one of the classes, or none."""
        labels, classes = self.predict(image).labels, self.class_names
        if labels.shape == image.shape[:2] and np.isin(labels, [*range(len(classes)), IGNORE_INDEX]).all():
            return None
        return f"the model's prediction doesn't fit its {len(classes)} classes"

    def results(self, table: Predictions) -> LabelImages:
        """Return what writes label ids, colors and overlays."""
        return LabelImages(self, table)

    def compute_with(self, engine: str) -> None:
        """Choose the engine of the network: "torch" or "openvino" (on a CPU, at the same precision).

        Raises:
            ConfigError: The engine isn't installed, or can't compute on the model's device.
        """
        network = self.network.network if isinstance(self.network, OpenVINONetwork) else self.network
        if resolve_engine(engine, self.device.type) == "openvino":
            network = OpenVINONetwork(network, self.input.precision)
        self.network = network

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return self.network.mean.device

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which the network runs at its precision."""
        return autocast(self.device, self.input.precision)

    @torch.inference_mode()
    def predict(self, image: Any, name: str | None = None) -> Prediction:
        """Predict one image of any size.

        Args:
            image: A file; (H, W, 3) RGB of uint8, or of floats from 0 to 1; or a Pillow image.
            name: For the files of the prediction; the file's stem when absent.

        Raises:
            ModelError: The image is anything else.
            DataError: The file can't be read.
        """
        name = name or (Path(image).stem if isinstance(image, str | Path) else "image")
        image = as_image(image)
        labels, coarse = self._answer([image])
        return Prediction(image, labels[0], self.label_space, name, coarse)

    @torch.inference_mode()
    def predict_labels(self, images: Any) -> LabelArray:
        """Predict several images of one size at once.

        Args:
            images: (B, H, W, 3) RGB, uint8 or floats from 0 to 1.

        Returns:
            (B, H, W) uint8 train ids.

        Raises:
            ModelError: The images are anything else.
        """
        return self._answer(as_images(images))[0]

    def _answer(self, images: list[ImageArray]) -> tuple[LabelArray, CoarseLogits]:
        """Return the images' labels and the coarse logits behind them."""
        size = (images[0].shape[0], images[0].shape[1])
        pictures = [resize_picture(image, self.input.target_size, self.input.resize) for image in images]
        values = self._coarse_logits(pictures[0][None] if len(pictures) == 1 else np.stack(pictures))
        seen = (pictures[0].shape[0], pictures[0].shape[1])
        coarse = self.network.on_image(values, seen, size)
        if self.input.enlarge == "labels":
            small = self.network.on_image(values, seen).argmax(seen).cpu().numpy()
            labels = np.stack([nearest_labels(one, size) for one in small])
        else:
            labels = coarse.argmax(size).cpu().numpy()
        if self.void_output is not None:
            labels[labels == self.void_output] = IGNORE_INDEX
        return labels, coarse

    def _coarse_logits(self, pictures: AnyArray) -> Tensor:
        if isinstance(self.network, OpenVINONetwork):
            return self.network.of_pictures(pictures)
        self.network.eval()
        with self.autocast():
            return self.network.coarse_logits(as_input(pictures, self.device))[0]
