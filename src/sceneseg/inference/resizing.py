"""How a picture becomes the network's input, and labels the picture's size again.

Models differ in how their authors resized; it is part of a model's facts, because one method for another costs
about one per cent of the pixels.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as PillowImage
from torch import Tensor

from sceneseg.labels import Labels

Picture = npt.NDArray[np.uint8]
Pixels = npt.NDArray[Any]
"""uint8 or float32, from 0 to 255."""
Size = tuple[int, int]


def _opencv(picture: Picture, size: Size) -> Pixels:
    return cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)


def _opencv_float(picture: Picture, size: Size) -> Pixels:
    return cv2.resize(picture.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)


def _pil(picture: Picture, size: Size) -> Pixels:
    resized = PillowImage.fromarray(picture).resize((size[1], size[0]), PillowImage.Resampling.BILINEAR)
    return np.array(resized)


METHODS: dict[str, Callable[[Picture, Size], Pixels]] = {
    "opencv": _opencv,
    "opencv_bilinear": _opencv_float,
    "pil_bilinear": _pil,
}
"""opencv: of bytes, rounded (ours); opencv_bilinear: of floats, not rounded; pil_bilinear: of bytes, antialiased."""


def resize_picture(picture: Picture, size: Size | None, method: str) -> Pixels:
    """Resize a picture (H, W, 3) to `size` (None: not at all)."""
    if size is None or picture.shape[:2] == tuple(size):
        return picture
    return METHODS[method](picture, size)


def as_input(pictures: Pixels, device: torch.device | str = "cpu") -> Tensor:
    """Bring pictures (B, h, w, 3), from 0 to 255, to a device and into a network's form, (B, 3, h, w) in [0, 1]."""
    planes = torch.from_numpy(np.require(pictures, requirements=["C", "W"])).permute(0, 3, 1, 2)
    return planes.to(device).float() / 255


def network_input(picture: Picture, size: Size | None, method: str) -> Tensor:
    """Resize a picture (H, W, 3) uint8 to `size` (None: not at all) and return it as (1, 3, h, w) in [0, 1]."""
    return as_input(resize_picture(picture, size, method)[None])


def nearest_labels(labels: Labels, size: Size) -> Labels:
    """Resize labels by nearest neighbor, sampled at the pixels' centers."""
    if labels.shape == tuple(size):
        return labels
    resized = cv2.resize(labels, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    return resized.astype(np.uint8, copy=False)
