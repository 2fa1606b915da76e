"""How a picture becomes the network's input, and labels the picture's size again.

Models differ in how their authors resized; it is part of a model's facts, because one method for another costs
about one per cent of the pixels.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as PillowImage
from torch import Tensor

from sceneseg.labels import Labels

Picture = npt.NDArray[np.uint8]
Size = tuple[int, int]


def _opencv(picture: Picture, size: Size) -> Tensor:
    resized = cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return _planes(resized).float() / 255


def _opencv_float(picture: Picture, size: Size) -> Tensor:
    resized = cv2.resize(picture.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return _planes(resized) / 255


def _pil(picture: Picture, size: Size) -> Tensor:
    resized = PillowImage.fromarray(picture).resize((size[1], size[0]), PillowImage.Resampling.BILINEAR)
    return _planes(np.array(resized)).float() / 255


METHODS: dict[str, Callable[[Picture, Size], Tensor]] = {
    "opencv": _opencv,
    "opencv_bilinear": _opencv_float,
    "pil_bilinear": _pil,
}
"""opencv: of bytes, rounded (ours); opencv_bilinear: of floats, not rounded; pil_bilinear: of bytes, antialiased."""


def network_input(picture: Picture, size: Size | None, method: str) -> Tensor:
    """Resize a picture (H, W, 3) uint8 to `size` (None: not at all) and return it as (1, 3, h, w) in [0, 1]."""
    if size is None or picture.shape[:2] == tuple(size):
        return _planes(picture).float() / 255
    return METHODS[method](picture, size)


def nearest_labels(labels: Labels, size: Size) -> Labels:
    """Resize labels by nearest neighbour, sampled at the pixels' centres."""
    if labels.shape == tuple(size):
        return labels
    resized = cv2.resize(labels, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    return resized.astype(np.uint8, copy=False)


def _planes(picture: npt.NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
