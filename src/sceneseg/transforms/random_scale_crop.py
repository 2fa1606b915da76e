"""Random scale and position of the training samples of scenes."""

from dataclasses import replace
from typing import Annotated

import numpy as np

from sceneseg.ranges import Range
from sceneseg.transforms import register
from sceneseg.transforms.base import SampleInfo, WindowTransform
from sceneseg.transforms.geometry import Window


@register
class RandomScaleCrop(WindowTransform[Window]):
    """Resize the image by a factor drawn logarithmically, and place the sample anywhere in it.

    An image that is smaller than the sample lies anywhere inside it.

    Source: Chen et al., "Rethinking atrous convolution for semantic image segmentation", 2017, section 4.1. Differs:
    the factor is drawn logarithmically.

    Args:
        scale: Smallest and largest factor of the size.

    Example:
        >>> from sceneseg.transforms.base import sample_generator
        >>> sample = SampleInfo(0, "a", image_size=(100, 200), size=(50, 50), base_size=(100, 200))
        >>> window = RandomScaleCrop(scale=(1.0, 1.0)).draw(sample_generator(0, 0), sample)
        >>> window.scale, 0 <= window.top <= 50, 0 <= window.left <= 150
        ((1.0, 1.0), True, True)
    """

    def __init__(self, scale: Annotated[tuple[float, float], Range(0.01, 100, rising=True)] = (0.5, 2.0)) -> None:
        self.scale = scale
        self._low, self._high = np.log(scale)

    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> Window:
        """Draw scale and position."""
        factor = float(np.exp(rng.uniform(self._low, self._high)))
        base, image = sample.base_size, sample.image_size
        scale = (factor * base[0] / image[0], factor * base[1] / image[1])
        top, left = (_offset(rng, factor * b, s) for b, s in zip(base, sample.size, strict=True))
        return Window(scale, top, left, False, sample.size)

    def apply(self, window: Window, drawn: Window) -> Window:
        """Return the window with the drawn scale and position."""
        return replace(drawn, flip=True) if window.flip else drawn


def _offset(rng: np.random.Generator, length: float, requested: int) -> float:
    """Place the sample inside the image, or a smaller image anywhere inside the sample."""
    slack = length - requested
    return float(rng.uniform(min(slack, 0.0), max(slack, 0.0)))
