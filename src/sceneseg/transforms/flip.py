"""Random mirroring, left to right."""

from dataclasses import replace

import numpy as np

from sceneseg.ranges import Share
from sceneseg.transforms import register
from sceneseg.transforms.base import SampleInfo, WindowTransform
from sceneseg.transforms.geometry import Window


@register
class Flip(WindowTransform[bool]):
    """Mirror the sample, left to right.

    Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", NeurIPS 2012.

    Args:
        p: Probability.

    Example:
        >>> window = Window((1.0, 1.0), 0, 0, False, (4, 4))
        >>> Flip().apply(window, True).flip
        True
    """

    def __init__(self, p: Share = 0.5) -> None:
        self.p = p

    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> bool:
        """Draw whether it is mirrored."""
        return bool(rng.random() < self.p)

    def apply(self, window: Window, drawn: bool) -> Window:
        """Return the window, mirrored if that was drawn."""
        return replace(window, flip=not window.flip) if drawn else window
