"""Rain: a dull sky behind curtains of streaks."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.arrays import AnyArray, ImageArray
from sceneseg.transforms import register
from sceneseg.transforms.base import SampleInfo
from sceneseg.transforms.effect import Effect
from sceneseg.transforms.painting import blend, curve, paint, strokes


class Curtain(NamedTuple):
    """Streaks of one distance.

    Args:
        share: Part of all streaks.
        length: Of the image's height.
        thickness: In pixels of an image 512 high.
        light: Brightness, of 255.
    """

    share: float
    length: float
    thickness: int
    light: int


CURTAINS = (Curtain(0.65, 0.03, 1, 120), Curtain(0.3, 0.07, 1, 170), Curtain(0.05, 0.12, 2, 130))


class RainDetails(NamedTuple):
    """Parameters drawn for rain.

    Args:
        strength: From 0 to 1.
        ends: Start and end of the streaks of each curtain, (N, 2, 2) with x before y.
    """

    strength: float
    ends: list[npt.NDArray[np.float64]]


@register
class Rain(Effect[RainDetails]):
    """A dull sky behind three curtains of streaks, the near ones long and out of focus.

    Source: streaks drawn as lines are the common way of image augmentation libraries; numbers are ours.

    Args:
        p: Probability.
        strength: The largest, from 0 to 1; each time it is drawn from a third of it upwards.

    Example:
        >>> from sceneseg.transforms.base import Sample, sample_generator
        >>> info = SampleInfo(0, "a", image_size=(32, 48), size=(32, 48), base_size=(32, 48))
        >>> sample, rain = Sample(np.full((32, 48, 3), 128, np.uint8), None), Rain(p=1.0)
        >>> wet = rain.apply(sample, rain.draw(sample_generator(0, 0), info))
        >>> wet.image.shape, bool((wet.image != sample.image).any())
        ((32, 48, 3), True)
    """

    def details(self, rng: np.random.Generator, strength: float, sample: SampleInfo) -> RainDetails:
        """Draw the slant and the streaks."""
        height, width = sample.size
        slant = rng.uniform(-0.3, 0.3)
        ends = []
        for curtain in CURTAINS:
            count = int(curtain.share * (120 + 700 * strength) * width / height / 2)
            start = rng.uniform((-0.1 * width, -0.15 * height), (1.1 * width, height), (count, 2))
            fall = height * curtain.length * rng.uniform(0.6, 1.3, (count, 1))
            lean = slant + rng.normal(0, 0.015, (count, 1))
            ends.append(np.stack([start, start + fall * np.concatenate([lean, np.ones_like(lean)], 1)], 1))
        return RainDetails(strength, ends)

    def paint(self, image: ImageArray, drawn: RainDetails) -> ImageArray:
        """Return the image in the rain."""
        height, width = image.shape[:2]
        strength = drawn.strength
        streaks: AnyArray = np.zeros((height, width), np.uint8)
        for curtain, ends in zip(CURTAINS, drawn.ends, strict=True):
            layer = strokes(height, width, ends, curtain.light, curtain.thickness, 0.5 * curtain.thickness)
            streaks = cv2.max(streaks, layer)
        dark = cv2.LUT(image, curve(1.0, 1 - 0.35 * strength))
        dull = blend(dark, (138, 144, 150), np.full((height, 1), 0.12 + 0.2 * strength))
        return paint(dull, (205, 212, 220), cv2.blur(streaks, (1, 3)), 0.55 + 0.3 * strength)
