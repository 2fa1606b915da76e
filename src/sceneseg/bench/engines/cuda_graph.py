"""A CUDA graph of the whole prediction: recorded once, then started as one piece.

Not run on a GPU yet.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from sceneseg.arrays import ImageArray, ImageSize
from sceneseg.bench.engines import register
from sceneseg.bench.engines.bf16 import BFloat16


@register
class CudaGraph(BFloat16):
    """bfloat16, channels last, our last step; nothing is launched by Python but the graph."""

    devices: ClassVar[tuple[str, ...]] = ("cuda",)
    _graph: "tuple[torch.cuda.CUDAGraph, Tensor, Tensor] | None" = None

    @torch.inference_mode()
    def predict(self, images: ImageArray) -> ImageArray:
        """Copy the images to where the graph reads them, start it, fetch the labels."""
        pixels = self.input(images)
        if self._graph is None:
            self._graph = self._record(lambda image: self.answer(image, (images.shape[1], images.shape[2])), pixels)
        graph, image, labels = self._graph
        image.copy_(pixels)
        graph.replay()
        return labels.cpu().numpy()

    def network(self, images: ImageArray) -> Callable[[], Any]:
        """Record the network without its last step."""
        with torch.inference_mode():
            recorded = self._record(self._coarse, self.input(images))
        return lambda: recorded[0].replay()  # the tensors next to it live as long: the graph knows only where they lie

    def highest(self, image: Tensor, size: ImageSize) -> Tensor:
        """Take the maximum without full-size logits."""
        return self.model.network.on_image(self._coarse(image), (image.shape[-2], image.shape[-1]), size).argmax(size)

    def _coarse(self, image: Tensor) -> Tensor:
        with self.autocast():
            return self.model.network.coarse_logits(image)[0]

    def _record(self, compute: Callable[[Tensor], Tensor], like: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
        image = like.clone()
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # recording asks for a warm-up on its own stream
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                compute(image)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            answer = compute(image)
        return graph, image, answer
