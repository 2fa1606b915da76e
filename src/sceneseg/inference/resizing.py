"""Resizing of images to the network's input, and of labels back to the image's size.

Models differ in how their authors resized; it is part of a model's facts, because one method for another costs
about one per cent of the pixels.
"""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor

from sceneseg.arrays import AnyArray, ImageArray, ImageSize, LabelArray


def _opencv(picture: ImageArray, size: ImageSize) -> AnyArray:
    return cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)


def _opencv_float(picture: ImageArray, size: ImageSize) -> AnyArray:
    return cv2.resize(picture.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)


def _pil(picture: ImageArray, size: ImageSize) -> AnyArray:
    resized = PillowImage.fromarray(picture).resize((size[1], size[0]), PillowImage.Resampling.BILINEAR)
    return np.array(resized)


METHODS: dict[str, Callable[[ImageArray, ImageSize], AnyArray]] = {
    "opencv": _opencv,
    "opencv_bilinear": _opencv_float,
    "pil_bilinear": _pil,
}
"""opencv: of bytes, rounded (ours); opencv_bilinear: of floats, not rounded; pil_bilinear: of bytes, antialiased."""


def resize_picture(picture: ImageArray, size: ImageSize | None, method: str) -> AnyArray:
    """Resize an image (H, W, 3) to `size` (None: not at all)."""
    if size is None or picture.shape[:2] == tuple(size):
        return picture
    return METHODS[method](picture, size)


def as_input(pictures: AnyArray, device: torch.device | str = "cpu") -> Tensor:
    """Bring images (B, h, w, 3), from 0 to 255, to a device and into a network's form, (B, 3, h, w) in [0, 1]."""
    planes = torch.from_numpy(np.require(pictures, requirements=["C", "W"])).permute(0, 3, 1, 2)
    return planes.to(device).float() / 255


def network_input(picture: ImageArray, size: ImageSize | None, method: str) -> Tensor:
    """Resize an image (H, W, 3) uint8 to `size` (None: not at all) and return it as (1, 3, h, w) in [0, 1]."""
    return as_input(resize_picture(picture, size, method)[None])


def nearest_labels(labels: LabelArray, size: ImageSize) -> LabelArray:
    """Resize labels by nearest neighbor, sampled at the pixels' centers."""
    if labels.shape == tuple(size):
        return labels
    resized = cv2.resize(labels, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    return resized.astype(np.uint8, copy=False)
