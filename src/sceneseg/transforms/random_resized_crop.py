"""Random part of the image that a classification sample shows."""

from dataclasses import replace
from typing import Annotated

import numpy as np

from sceneseg.ranges import Range
from sceneseg.transforms import register
from sceneseg.transforms.base import SampleInfo, WindowTransform
from sceneseg.transforms.geometry import Window


@register
class RandomResizedCrop(WindowTransform[Window]):
    """Show a part of the image, of random area and shape, resized to the sample.

    Its area is drawn evenly, the ratio of its sides logarithmically, up to 4/3 times that of the sample; what doesn't
    fit is drawn again, and after ten times cut to fit.

    Source: Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 6.

    Args:
        area: Smallest and largest part of the image's area.

    Example:
        >>> from sceneseg.transforms.base import sample_generator
        >>> sample = SampleInfo(0, "a", image_size=(60, 90), size=(32, 32), base_size=(60, 90))
        >>> window = RandomResizedCrop(area=(0.25, 0.25)).draw(sample_generator(0, 0), sample)
        >>> round(32 / window.scale[0] * 32 / window.scale[1])  # a quarter of 60 x 90
        1350
    """

    def __init__(self, area: Annotated[tuple[float, float], Range(above=0, most=1, rising=True)] = (0.08, 1.0)) -> None:
        self.area = area

    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> Window:
        """Draw area, shape and position."""
        image, size = sample.image_size, sample.size
        for _ in range(10):
            area = image[0] * image[1] * rng.uniform(*self.area)
            ratio = size[1] / size[0] * np.exp(rng.uniform(-np.log(4 / 3), np.log(4 / 3)))
            part = (float(np.sqrt(area / ratio)), float(np.sqrt(area * ratio)))
            if part[0] <= image[0] and part[1] <= image[1]:
                break
        part = (min(part[0], image[0]), min(part[1], image[1]))
        top, left = (float(rng.uniform(0, whole - p)) for whole, p in zip(image, part, strict=True))
        scale = (size[0] / part[0], size[1] / part[1])
        return Window(scale, top * scale[0], left * scale[1], False, size)

    def apply(self, window: Window, drawn: Window) -> Window:
        """Return the window with the drawn scale and position."""
        return replace(drawn, flip=True) if window.flip else drawn
