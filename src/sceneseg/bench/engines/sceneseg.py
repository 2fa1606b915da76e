"""The engine of `sceneseg predict`: the network by torch at the model's precision, then our last step."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch

from sceneseg.arrays import ImageArray
from sceneseg.bench.engines import register
from sceneseg.bench.engines.torch_engine import TorchEngine


@register
class Sceneseg(TorchEngine):
    """The code of `SemanticModel.predict`, for several images at once."""

    memory_format: ClassVar[torch.memory_format] = torch.channels_last

    def predict(self, images: ImageArray) -> ImageArray:
        """Predict with the model."""
        return self.model.predict_labels(images)

    def network(self, images: ImageArray) -> Callable[[], Any]:
        """Compute at the model's own precision."""
        image = self.input(images)

        @torch.inference_mode()
        def call() -> Any:
            with self.model.autocast():
                return self.model.network.coarse_logits(image)[0]

        return call
