"""Fog: thin over the road in front, closed at the horizon."""

from typing import NamedTuple

import cv2
import numpy as np

from sceneseg.arrays import ImageArray
from sceneseg.transforms import register
from sceneseg.transforms.base import SampleInfo
from sceneseg.transforms.effect import Effect
from sceneseg.transforms.painting import HORIZON, Cloud, blend, cloud, draw_cloud, rows_in_scene


class FogDetails(NamedTuple):
    """Parameters drawn for fog.

    Args:
        strength: From 0 to 1.
        span: Which rows of its scene the sample shows.
        drifts: Noise of its density.
        gray: Brightness, of 255.
    """

    strength: float
    span: tuple[float, float]
    drifts: Cloud
    gray: int


@register
class Fog(Effect[FogDetails]):
    """Fog in drifts: thin over the road before us, closed at the horizon.

    Source: Koschmieder's law, by which transmission falls exponentially with distance; distances are guessed from the
    height in the scene.

    Args:
        p: Probability.
        strength: The largest, from 0 to 1; each time it is drawn from a third of it upwards.

    Example:
        >>> from sceneseg.transforms.base import Sample, sample_generator
        >>> info = SampleInfo(0, "a", image_size=(64, 48), size=(64, 48), base_size=(64, 48))
        >>> sample, fog = Sample(np.zeros((64, 48, 3), np.uint8), None), Fog(p=1.0)
        >>> veil = fog.apply(sample, fog.draw(sample_generator(0, 0), info)).image
        >>> bool(veil[27].mean() > veil[-1].mean())  # denser at the horizon than in front
        True
    """

    def details(self, rng: np.random.Generator, strength: float, sample: SampleInfo) -> FogDetails:
        """Draw drifts and brightness."""
        drifts = draw_cloud(rng, *sample.size)
        return FogDetails(strength, sample.span, drifts, int(rng.integers(196, 222)))

    def paint(self, image: ImageArray, drawn: FogDetails) -> ImageArray:
        """Return the image behind fog."""
        height, width = image.shape[:2]
        rows = rows_in_scene(height, drawn.span)
        below = np.maximum(rows - HORIZON, 0) / 0.09
        above = np.maximum(HORIZON - rows, 0) / HORIZON  # houses and trees there are nearer than the horizon
        distance = 2.2 / (1 + below**2) ** 0.6 - 0.9 * above
        drifts = cloud(drawn.drifts, height, width, 0.6, 1.4)
        density = (0.2 + 1.3 * drawn.strength) * distance[:, None]
        veil = 1 - cv2.exp(-density * drifts)
        return blend(image, (drawn.gray - 4, drawn.gray, drawn.gray + 4), veil)
