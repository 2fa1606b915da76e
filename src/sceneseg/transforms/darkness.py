"""Darkness: dusk or night."""

from typing import NamedTuple

import cv2
import numpy as np

from sceneseg.arrays import ImageArray
from sceneseg.transforms import register
from sceneseg.transforms.base import SampleInfo
from sceneseg.transforms.effect import Effect
from sceneseg.transforms.painting import HORIZON, curve, rows_in_scene


class DarknessDetails(NamedTuple):
    """Parameters drawn for darkness.

    Args:
        strength: From 0 to 1.
        span: Which rows of its scene the sample shows.
        grain: (H, W) uint8 noise of the camera.
    """

    strength: float
    span: tuple[float, float]
    grain: ImageArray


@register
class Darkness(Effect[DarknessDetails]):
    """Dusk or night: bluish, with a dark sky, the light of our own lamps, and grain.

    Source: darkening by a power of the brightness is common; lamps, grain and numbers are ours.

    Args:
        p: Probability.
        strength: The largest, from 0 to 1; each time it is drawn from a third of it upwards.

    Example:
        >>> from sceneseg.transforms.base import Sample, sample_generator
        >>> info = SampleInfo(0, "a", image_size=(64, 48), size=(64, 48), base_size=(64, 48))
        >>> sample, darkness = Sample(np.full((64, 48, 3), 100, np.uint8), None), Darkness(p=1.0)
        >>> night = darkness.apply(sample, darkness.draw(sample_generator(0, 0), info)).image
        >>> bool(night.mean() < 80)
        True
    """

    def details(self, rng: np.random.Generator, strength: float, sample: SampleInfo) -> DarknessDetails:
        """Draw the grain."""
        return DarknessDetails(strength, sample.span, rng.integers(0, 256, sample.size, np.uint8))

    def paint(self, image: ImageArray, drawn: DarknessDetails) -> ImageArray:
        """Return the image in the dark."""
        height, width = image.shape[:2]
        strength = drawn.strength
        bright = 0.8 - 0.52 * strength
        rows = rows_in_scene(height, drawn.span)[:, None]
        lit = np.exp(-(((rows - 0.75) / 0.17) ** 2)) * np.exp(-((np.linspace(-1, 1, width)[None] * 1.7) ** 2))
        sky = 0.75 + 0.25 * np.clip((rows - HORIZON) / 0.15 + 0.5, 0, 1)  # darker than what stands below it
        light = (bright * sky + (0.3 + 0.4 * strength) * lit * (1 - bright)).astype(np.float32)
        gamma = 1.1 + 0.3 * strength
        night = cv2.LUT(image, np.stack([curve(gamma, tint) for tint in (0.9, 0.94, 1.08)], 1)[None])
        night = cv2.multiply(night, cv2.merge([light] * 3), dtype=cv2.CV_8U)
        return cv2.add(night, cv2.merge([cv2.LUT(drawn.grain, curve(1.0, 0.02 + 0.06 * strength))] * 3))  # type: ignore[return-value]
