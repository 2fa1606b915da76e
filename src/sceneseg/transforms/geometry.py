"""Windows: where a sample lies in its image, and cutting it out.

Scale, crop, flip and size are one affine map, applied once to the image and once to the labels on the same half-pixel
grid, so that only the pixels that a sample shows are read.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from sceneseg.arrays import AnyArray, FloatArray, ImageSize, InstanceArray, LabelArray, PixelArray
from sceneseg.kernels.cut import Positions, cut_nearest, cut_pixels

FILL = (124, 116, 104)
"""RGB of pixels beyond the image, of 255: the mean of ImageNet, so that normalization makes them zero."""


@dataclass(frozen=True)
class Window:
    """Location of a training sample in its image.

    Args:
        scale: Sample pixels per image pixel, (vertical, horizontal).
        top: Row of the sample's upper edge, in sample pixels.
        left: Column of the sample's left edge, in sample pixels.
        flip: Whether the sample is mirrored.
        size: (height, width) of the sample.
    """

    scale: tuple[float, float]
    top: float
    left: float
    flip: bool
    size: ImageSize

    def matrix(self) -> npt.NDArray[np.float64]:
        """Return the 2x3 map from sample to image coordinates (pixel centers at whole numbers)."""
        sy, sx = self.scale
        width = self.size[1]
        # center of sample column u: (u + 0.5 + left) / sx - 0.5; mirrored: u -> width - 1 - u
        ax, bx = 1 / sx, (self.left + 0.5) / sx - 0.5
        if self.flip:
            ax, bx = -ax, bx + (width - 1) / sx
        return np.array([[ax, 0.0, bx], [0.0, 1 / sy, (self.top + 0.5) / sy - 0.5]])

    def positions(self) -> tuple[Positions, Positions]:
        """Return the image row of each row of the sample, and the image column of each column."""
        (ax, _, bx), (_, ay, by) = self.matrix()
        rows, columns = (a * np.arange(n) + b for a, b, n in zip((ay, ax), (by, bx), self.size, strict=True))
        return rows, columns


def cut(image: PixelArray, labels: LabelArray, window: Window) -> tuple[PixelArray, LabelArray]:
    """Cut the window out of an image (bilinear) and its labels (nearest neighbor); nothing else of them is read.

    Labels beyond the image are void: 255, or 65535 in uint16.

    Example:
        >>> image, labels = np.zeros((8, 12, 3), np.uint8), np.zeros((8, 12), np.uint8)
        >>> cut(image, labels, Window((1.0, 1.0), 6, 2, False, (4, 4)))[1].tolist()
        [[0, 0, 0, 0], [0, 0, 0, 0], [255, 255, 255, 255], [255, 255, 255, 255]]
    """
    void = 256**labels.dtype.itemsize - 1
    return cut_pixels(image, labels, *window.positions(), FILL, void)


def cut_instances(instances: InstanceArray, window: Window) -> InstanceArray:
    """Cut the window out of instance numbers (nearest neighbor), 0 beyond the image."""
    return cut_nearest(instances, *window.positions(), 0)


def center_crop(image_size: ImageSize, size: ImageSize, share: float) -> Window:
    """Return the window in the middle of an image that is resized until `size` is `share` of its shorter side."""
    scale = max(requested / whole for requested, whole in zip(size, image_size, strict=True)) / share
    top, left = ((scale * whole - requested) / 2 for requested, whole in zip(size, image_size, strict=True))
    return Window((scale, scale), top, left, False, size)


def cut_image(image: PixelArray, window: Window) -> PixelArray:
    """Cut a window that lies inside the image, averaging over the pixels that it shrinks (bilinear, antialiased)."""
    (height, width), (sy, sx) = window.size, window.scale
    box = (window.left / sx, window.top / sy, (window.left + width) / sx, (window.top + height) / sy)
    inside = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], image.shape[1]), min(box[3], image.shape[0]))  # rounding
    if image.dtype == np.uint8:
        pixels = _resized(image, window.size, inside)
    else:  # Pillow knows other types one channel at a time
        planes: list[FloatArray] = [image[..., channel].astype(np.float32) for channel in range(image.shape[2])]
        pixels = np.stack([_resized(plane, window.size, inside) for plane in planes], axis=2)
        pixels = (pixels.round() if image.dtype.kind == "u" else pixels).astype(image.dtype)
    return np.array(pixels[:, ::-1] if window.flip else pixels)


def _resized(pixels: AnyArray, size: ImageSize, box: tuple[float, float, float, float]) -> AnyArray:
    shape = (size[1], size[0])
    return np.asarray(PillowImage.fromarray(pixels).resize(shape, PillowImage.Resampling.BILINEAR, box))
