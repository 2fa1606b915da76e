"""Inputs of `predict`: a file, an array or a Pillow image."""

from pathlib import Path
from typing import Any

import numpy as np

from sceneseg import standalone
from sceneseg.arrays import ImageArray
from sceneseg.datasets.base import read_image
from sceneseg.errors import ModelError


def as_image(image: Any) -> ImageArray:
    """Return one image as (H, W, 3) uint8 RGB.

    Args:
        image: A file; an array (H, W, 3) of uint8, or of floats from 0 to 1; or a Pillow image of a kind that is read
            from files, too, whose pixels are taken as they lie (EXIF data turns files alone).

    Raises:
        ModelError: It is anything else.
        DataError: The file can't be read.
    """
    if isinstance(image, str | Path):
        return read_image(Path(image))
    try:
        return standalone.as_picture(image)
    except standalone.RunnerError as error:
        raise ModelError(str(error)) from None
    except standalone.DAMAGE as error:  # of a Pillow image that isn't loaded yet
        raise ModelError(f"The image can't be read ({error}).") from None


def as_images(images: Any) -> list[ImageArray]:
    """Return several images of one size, given as (B, H, W, 3) uint8 or floats from 0 to 1, one by one.

    Raises:
        ModelError: They are anything else.
    """
    if not isinstance(images, np.ndarray) or images.ndim != 4 or not len(images):
        found = f"{images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise ModelError(f"Expected images as one array (B, H, W, 3) of uint8; found {found}.")
    return [as_image(image) for image in images]
