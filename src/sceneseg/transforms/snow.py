"""Snow: on the ground, as haze, and as flakes."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.arrays import AnyArray, ImageArray
from sceneseg.transforms import register
from sceneseg.transforms.base import SampleInfo
from sceneseg.transforms.effect import Effect
from sceneseg.transforms.painting import HORIZON, blend, paint, ramp, rows_in_scene, strokes


class Distance(NamedTuple):
    """Flakes of one distance.

    Args:
        share: Part of all flakes.
        radius: Of the image's height.
        light: Brightness, of 255.
    """

    share: float
    radius: float
    light: int


DISTANCES = (
    Distance(0.5, 0.0012, 170),
    Distance(0.3, 0.002, 225),
    Distance(0.15, 0.003, 245),
    Distance(0.05, 0.006, 170),
)


class SnowDetails(NamedTuple):
    """Parameters drawn for snow.

    Args:
        strength: From 0 to 1.
        span: Which rows of its scene the sample shows.
        ends: Both ends of the flakes of each distance, (N, 2, 2) with x before y.
    """

    strength: float
    span: tuple[float, float]
    ends: list[npt.NDArray[np.float64]]


@register
class Snow(Effect[SnowDetails]):
    """Snow on what is bright below the horizon, haze, and flakes of four distances.

    Source: brightening what is bright is the common way of image augmentation libraries; numbers are ours.

    Args:
        p: Probability.
        strength: The largest, from 0 to 1; each time it is drawn from a third of it upwards.

    Example:
        >>> from sceneseg.transforms.base import Sample, sample_generator
        >>> info = SampleInfo(0, "a", image_size=(32, 48), size=(32, 48), base_size=(32, 48))
        >>> sample, snow = Sample(np.full((32, 48, 3), 128, np.uint8), None), Snow(p=1.0)
        >>> white = snow.apply(sample, snow.draw(sample_generator(0, 0), info))
        >>> bool(white.image.mean() > 128)
        True
    """

    def details(self, rng: np.random.Generator, strength: float, sample: SampleInfo) -> SnowDetails:
        """Draw the wind and the flakes."""
        height, width = sample.size
        slant = rng.uniform(-1.0, 1.0)
        ends = []
        for distance in DISTANCES:
            count = int(distance.share * (300 + 2200 * strength) * width / height / 2)
            middle = rng.uniform((0, 0), (width, height), (count, 2))
            reach = distance.radius * height * rng.uniform(0.3, 1.2, (count, 1)) * np.array([[slant, 1.0]])
            ends.append(np.stack([middle - reach, middle + reach], 1))
        return SnowDetails(strength, sample.span, ends)

    def paint(self, image: ImageArray, drawn: SnowDetails) -> ImageArray:
        """Return the image in the snow."""
        height, width = image.shape[:2]
        strength = drawn.strength
        far = np.clip((rows_in_scene(height, drawn.span) - HORIZON) / 0.25, 0, 1)
        lying = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), ramp(130 - 110 * strength, 250 - 130 * strength))
        lying = cv2.multiply(lying, np.broadcast_to(far[:, None] * 0.9 * strength, lying.shape), dtype=cv2.CV_8U)
        ground = paint(image, (236, 240, 246), lying, 1.0)
        hazy = blend(ground, (214, 219, 226), (0.12 + 0.28 * strength) * (1 - 0.4 * far[:, None]))
        flakes: AnyArray = np.zeros((height, width), np.uint8)
        for distance, ends in zip(DISTANCES, drawn.ends, strict=True):
            radius = distance.radius
            layer = strokes(height, width, ends, distance.light, 1000 * radius, 0.4 + 220 * radius)
            flakes = cv2.max(flakes, layer)
        return paint(hazy, (250, 251, 255), flakes, 0.95)
