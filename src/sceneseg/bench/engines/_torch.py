"""What the engines that compute with torch share."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.bench.engines._base import Engine, Pixels
from sceneseg.bench.job import Candidate, Job
from sceneseg.bench.memory import MIB
from sceneseg.config import from_dict
from sceneseg.data.cityscapes import LABEL_SPACE
from sceneseg.devices import resolve_precision
from sceneseg.inference.resizing import as_input, resize_picture
from sceneseg.tasks.semantic import SemanticModel


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

    def compute(self, image: Tensor) -> Tensor:
        """Return full-size logits (B, C, H, W) for an image (B, 3, H, W) in [0, 1]."""
        return self.model.network(image)

    def answer(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the labels (B, H, W) of an image (B, 3, h, w)."""
        logits = self.compute(image)
        if logits.shape[-2:] != size:
            logits = F.interpolate(logits, size, mode="bilinear", align_corners=False)
        return logits.argmax(1).to(torch.uint8)

    @torch.inference_mode()
    def predict(self, images: Pixels) -> Pixels:
        """Convert, compute and bring the labels back."""
        with self.autocast():
            labels = self.answer(self.input(images), (images.shape[1], images.shape[2]))
        return labels.cpu().numpy()

    def input(self, images: Pixels) -> Tensor:
        """Return the network's input on the device."""
        facts = self.model.input
        pictures = np.stack([resize_picture(image, facts.target_size, facts.resize) for image in images])
        return as_input(pictures, self.device).contiguous(memory_format=self.memory_format)

    def network(self, images: Pixels) -> Callable[[], Any]:
        """Take the input on the device as given."""
        image = self.input(images)

        @torch.inference_mode()
        def call() -> Tensor:
            with self.autocast():
                return self.model.network.coarse_logits(image)[0]

        return call

    def time(self, call: Callable[[], Any]) -> float:
        """Return the seconds by the GPU's own clock, or by the computer's."""
        if self.device.type != "cuda":
            return super().time(call)
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
    return SemanticModel.create(config, LABEL_SPACE, resolve_precision("auto", device))
