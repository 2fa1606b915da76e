"""Light beam: a low light that shines into the camera."""

from typing import NamedTuple

import cv2
import numpy as np

from sceneseg.arrays import ImageArray
from sceneseg.transforms import register
from sceneseg.transforms.base import SampleInfo
from sceneseg.transforms.effect import Effect
from sceneseg.transforms.painting import blend


class LightBeamDetails(NamedTuple):
    """Parameters drawn for a light beam.

    Args:
        strength: From 0 to 1.
        source: (x, y) of the light, in pixels.
        aim: Direction of the shafts, in radians.
        shafts: (offset, width) of each shaft, in radians.
    """

    strength: float
    source: tuple[float, float]
    aim: float
    shafts: tuple[tuple[float, float], tuple[float, float]]


@register
class LightBeam(Effect[LightBeamDetails]):
    """A low light that shines into the camera: a glow, and shafts through the image.

    Source: sun flare is a common effect of image augmentation libraries; this glow and its numbers are ours.

    Args:
        p: Probability.
        strength: The largest, from 0 to 1; each time it is drawn from a third of it upwards.

    Example:
        >>> from sceneseg.transforms.base import Sample, sample_generator
        >>> info = SampleInfo(0, "a", image_size=(64, 48), size=(64, 48), base_size=(64, 48))
        >>> sample, beam = Sample(np.full((64, 48, 3), 100, np.uint8), None), LightBeam(p=1.0)
        >>> lit = beam.apply(sample, beam.draw(sample_generator(0, 0), info)).image
        >>> bool(lit.mean() > 100)
        True
    """

    def details(self, rng: np.random.Generator, strength: float, sample: SampleInfo) -> LightBeamDetails:
        """Draw where the light is and where it shines."""
        height, width = sample.size
        x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(-0.05, 0.35) * height
        aim = rng.uniform(0.25, 0.75) * np.pi
        shafts = ((0.0, rng.uniform(0.1, 0.16)), (rng.uniform(-0.7, 0.7), 0.07))
        return LightBeamDetails(strength, (x, y), aim, shafts)

    def paint(self, image: ImageArray, drawn: LightBeamDetails) -> ImageArray:
        """Return the image against the light."""
        height, width = image.shape[:2]
        x, y = drawn.source
        across, down = np.meshgrid(np.arange(0, width + 4, 4) - x, np.arange(0, height + 4, 4) - y)
        distance = np.hypot(across, down) / height
        glow = 0.75 * np.exp(-distance / 0.12) + 0.35 * np.exp(-distance / 0.5)
        turn = np.arctan2(down, across) - drawn.aim
        for offset, wide in drawn.shafts:
            glow += 0.45 * np.exp(-(((turn - offset) / wide) ** 2)) * np.exp(-distance / 0.9)
        light = cv2.resize((glow * (0.35 + 0.65 * drawn.strength)).clip(0, 1).astype(np.float32), (width, height))
        return blend(image, (255, 246, 222), light)
