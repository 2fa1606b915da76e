"""The engine of `sceneseg predict --engine openvino`: the network by OpenVINO, then our last step."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from sceneseg.arrays import ImageArray
from sceneseg.bench.engines import register
from sceneseg.bench.engines.sceneseg import Sceneseg
from sceneseg.bench.job import Job
from sceneseg.inference.engines import OpenVINONetwork
from sceneseg.inference.resizing import resize_picture


@register
class ScenesegOpenVINO(Sceneseg):
    """At the model's own precision: bfloat16 where it was trained and scored with that."""

    package: ClassVar[str] = "openvino"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.model.compute_with("openvino")

    def network(self, images: ImageArray) -> Callable[[], Any]:
        """Take the images at the network's size."""
        facts, network = self.model.input, self.model.network
        assert isinstance(network, OpenVINONetwork)
        pictures = np.stack([resize_picture(image, facts.target_size, facts.resize) for image in images])
        return lambda: network.of_pictures(pictures)
