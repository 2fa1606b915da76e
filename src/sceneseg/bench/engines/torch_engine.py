"""Base class of the engines that compute with torch."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.arrays import ImageArray, ImageSize
from sceneseg.bench.engines.base import Engine
from sceneseg.bench.job import Candidate, Job
from sceneseg.bench.memory import MIB
from sceneseg.config.conversion import from_dict
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.devices import resolve_precision
from sceneseg.inference.predictor import SemanticModel
from sceneseg.inference.resizing import as_input, resize_picture
from sceneseg.labels import IGNORE_INDEX
from sceneseg.tasks.semantic import create_model


class TorchEngine(Engine):
    """The plain way: full-size logits by bilinear interpolation, then the maximum.

    Args:
        job: What to load, and for which device and how many threads.
    """

    memory_format: ClassVar[torch.memory_format] = torch.contiguous_format

    def __init__(self, job: Job) -> None:
        torch.set_num_threads(job.threads)
        self.device = torch.device(job.device)
        self.model = load(job.candidate, job.device)
        self.model.network.to(self.device, memory_format=self.memory_format).eval()  # type: ignore[call-overload]

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of the network's arithmetic."""
        return nullcontext()

    def answer(self, image: Tensor, size: ImageSize) -> Tensor:
        """Return the labels (B, H, W) of images of a size, by the model's rules, from its input (B, 3, h, w)."""
        seen = (image.shape[-2], image.shape[-1])
        small = self.model.input.enlarge == "labels" and seen != size
        labels = self.highest(image, seen if small else size)
        if small:
            labels = F.interpolate(labels[:, None].float(), size, mode="nearest-exact")[:, 0].to(torch.uint8)
        void = self.model.void_output
        return labels if void is None else labels.masked_fill(labels == void, IGNORE_INDEX)

    def highest(self, image: Tensor, size: ImageSize) -> Tensor:
        """Return the number of the highest output (B, H, W) of the network at a size, its logits interpolated once."""
        network, seen = self.model.network, (image.shape[-2], image.shape[-1])
        if seen == size:
            return network(image).argmax(1).to(torch.uint8)
        logits = network.on_image(network.coarse_logits(image)[0], seen, size)
        return logits.upsample(size).argmax(1).to(torch.uint8)

    @torch.inference_mode()
    def predict(self, images: ImageArray) -> ImageArray:
        """Convert, compute and bring the labels back."""
        with self.autocast():
            labels = self.answer(self.input(images), (images.shape[1], images.shape[2]))
        return labels.cpu().numpy()

    def input(self, images: ImageArray) -> Tensor:
        """Return the network's input on the device."""
        facts = self.model.input
        pictures = np.stack([resize_picture(image, facts.target_size, facts.resize) for image in images])
        return as_input(pictures, self.device).contiguous(memory_format=self.memory_format)

    def network(self, images: ImageArray) -> Callable[[], Any]:
        """Take the input on the device as given."""
        image = self.input(images)

        @torch.inference_mode()
        def call() -> Tensor:
            with self.autocast():
                return self.model.network.coarse_logits(image)[0]

        return call

    def time_network(self, call: Callable[[], Any]) -> float:
        """Return the seconds by the GPU's own clock, or by the computer's."""
        if self.device.type != "cuda":
            return super().time_network(call)
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        torch.cuda.synchronize(self.device)
        start.record()
        call()
        end.record()
        torch.cuda.synchronize(self.device)
        return start.elapsed_time(end) / 1000

    def memory(self) -> float | None:
        """Return what torch has taken on the GPU at its peak."""
        return None if self.device.type != "cuda" else round(torch.cuda.max_memory_allocated(self.device) / MIB, 1)


def load(candidate: Candidate, device: str) -> SemanticModel:
    """Load a candidate's weights, or create it untrained."""
    if candidate.weights is not None:
        return SemanticModel.load(candidate.weights, device)
    config = from_dict({"model": candidate.model})
    return create_model(config, LABEL_SPACE, resolve_precision("auto", device))
