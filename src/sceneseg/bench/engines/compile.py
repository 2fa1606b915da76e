"""torch.compile over everything behind the input, with the channels last."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sceneseg.arrays import ImageArray
from sceneseg.bench.engines import register
from sceneseg.bench.engines.channels_last import ChannelsLast
from sceneseg.bench.job import Job


@register
class Compile(ChannelsLast):
    """Compiled for the one size that is measured; float32."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._answer = torch.compile(super().answer, dynamic=False)

    def answer(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the labels (B, H, W) of an image (B, 3, h, w)."""
        return self._answer(image, size)

    def network(self, images: ImageArray) -> Callable[[], Any]:
        """Compile the network without its last step."""
        compiled, image = torch.compile(self.model.network.coarse_logits, dynamic=False), self.input(images)

        @torch.inference_mode()
        def call() -> Tensor:
            return compiled(image)[0]

        return call
