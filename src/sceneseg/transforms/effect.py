"""The base class of weather effects: what they draw, and that they paint uint8 images alone."""

from abc import abstractmethod
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from sceneseg.arrays import ImageArray, PixelArray
from sceneseg.errors import DataError
from sceneseg.ranges import Share
from sceneseg.transforms.base import Sample, SampleInfo, SampleTransform

D = TypeVar("D")


class Effect(SampleTransform[D | None], Generic[D]):
    """Weather painted over finished images; labels stay as they are.

    Far and near are guessed from the height in the whole scene, see `sceneseg.transforms.painting.HORIZON`.

    Args:
        p: Probability.
        strength: The largest, from 0 to 1; each time it is drawn from a third of it upwards.
    """

    def __init__(self, p: Share = 0.5, strength: Share = 0.7) -> None:
        self.p, self.strength = p, strength

    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> D | None:
        """Draw whether it comes, how strong, and its details."""
        luck, share = rng.random(2)
        return self.details(rng, self.drawn_strength(share), sample) if luck < self.p else None

    def drawn_strength(self, share: float) -> float:
        """Return the strength for a number from 0 to 1: from a third of the largest upwards."""
        return self.strength * (1 + 2 * share) / 3

    def apply(self, sample: Sample, drawn: D | None) -> Sample:
        """Return the sample with the effect painted over its image.

        Raises:
            DataError: The image isn't uint8.
        """
        image = as_bytes(sample.image)
        return sample if drawn is None else replace(sample, image=self.paint(image, drawn))

    @abstractmethod
    def details(self, rng: np.random.Generator, strength: float, sample: SampleInfo) -> D:
        """Draw how the effect looks.

        Args:
            rng: The sample's own.
            strength: From 0 to 1.
            sample: Its size, and which rows of its scene it shows.
        """

    @abstractmethod
    def paint(self, image: ImageArray, drawn: D) -> ImageArray:
        """Return the image (H, W, 3) uint8 with the effect painted over it."""


def as_bytes(image: PixelArray) -> ImageArray:
    """Return an image that weather can be painted over; others are refused, whether weather comes or not.

    Raises:
        DataError: The image isn't uint8.
    """
    if image.dtype != np.uint8:
        raise DataError(
            f"Weather is painted over uint8 images, found {image.dtype}. Leave it out of augment, or give images of "
            f"8 bits.",
            field="augment.weather",
        )
    return image  # type: ignore[return-value]
