"""Augmentation without state: every draw comes from a generator keyed by (seed, sample number).

Geometry (scale, crop, flip, size) is one affine map, applied once to the image and once to the labels on the
same half-pixel grid. Color is only drawn here; it is applied to whole batches on the device (`jitter`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from sceneseg.arrays import ImageArray, LabelArray
from sceneseg.config.schema import AugmentConfig
from sceneseg.kernels.cut import cut_pixels
from sceneseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from torch import Tensor

FILL = (124, 116, 104)
"""RGB of pixels beyond the image: the mean of ImageNet, so that normalization makes them zero."""


def sample_generator(seed: int, number: int) -> np.random.Generator:
    """Return the random generator of one sample of the run; depends on nothing else."""
    return np.random.Generator(np.random.Philox(key=[seed, number]))


@dataclass(frozen=True)
class Window:
    """Where a training sample lies in its image.

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
    size: tuple[int, int]

    def matrix(self) -> npt.NDArray[np.float64]:
        """Return the 2x3 map from sample to image coordinates (pixel centers at whole numbers)."""
        sy, sx = self.scale
        width = self.size[1]
        # center of sample column u: (u + 0.5 + left) / sx - 0.5; mirrored: u -> width - 1 - u
        ax, bx = 1 / sx, (self.left + 0.5) / sx - 0.5
        if self.flip:
            ax, bx = -ax, bx + (width - 1) / sx
        return np.array([[ax, 0.0, bx], [0.0, 1 / sy, (self.top + 0.5) / sy - 0.5]])


def draw_window(
    generator: np.random.Generator,
    image_size: tuple[int, int],
    base: tuple[int, int],
    size: tuple[int, int],
    config: AugmentConfig,
) -> Window:
    """Draw scale, position and flip of a sample.

    Args:
        generator: The sample's own.
        image_size: (height, width) on disk.
        base: (height, width) that scale 1 stands for (the target size, or the image's own).
        size: (height, width) of the sample.
        config: Scale range, flip probability.
    """
    low, high = np.log(config.scale)
    factor = float(np.exp(generator.uniform(low, high)))
    scale = (factor * base[0] / image_size[0], factor * base[1] / image_size[1])
    top, left = (_offset(generator, factor * b, s) for b, s in zip(base, size, strict=True))
    return Window(scale, top, left, bool(generator.random() < config.flip), size)


def _offset(generator: np.random.Generator, length: float, wanted: int) -> float:
    """Place the sample inside the image, or a smaller image anywhere inside the sample."""
    slack = length - wanted
    return float(generator.uniform(min(slack, 0.0), max(slack, 0.0)))


def cut(image: ImageArray, labels: LabelArray, window: Window) -> tuple[ImageArray, LabelArray]:
    """Cut the window out of an image (bilinear) and its labels (nearest neighbor); nothing else of them is read."""
    (ax, _, bx), (_, ay, by) = window.matrix()
    rows, columns = (a * np.arange(n) + b for a, b, n in zip((ay, ax), (by, bx), window.size, strict=True))
    return cut_pixels(image, labels, rows, columns, FILL, IGNORE_INDEX)


def draw_crop(
    generator: np.random.Generator, image_size: tuple[int, int], size: tuple[int, int], config: AugmentConfig
) -> Window:
    """Draw which part of an image a classification sample shows, and whether it is mirrored.

    Its area is drawn evenly from the configured range, the ratio of its sides logarithmically, up to 4/3 beside that
    of `size`; what doesn't fit is drawn again, and after ten times cut to fit.

    Source: Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 6.

    Args:
        generator: The sample's own.
        image_size: (height, width) on disk.
        size: (height, width) of the sample.
        config: Range of the area, flip probability.
    """
    pixels = image_size[0] * image_size[1]
    for _ in range(10):
        area = pixels * generator.uniform(*config.area)
        ratio = size[1] / size[0] * np.exp(generator.uniform(-np.log(4 / 3), np.log(4 / 3)))
        part = (float(np.sqrt(area / ratio)), float(np.sqrt(area * ratio)))
        if part[0] <= image_size[0] and part[1] <= image_size[1]:
            break
    part = (min(part[0], image_size[0]), min(part[1], image_size[1]))
    top, left = (float(generator.uniform(0, whole - p)) for whole, p in zip(image_size, part, strict=True))
    scale = (size[0] / part[0], size[1] / part[1])
    return Window(scale, top * scale[0], left * scale[1], bool(generator.random() < config.flip), size)


def center_crop(image_size: tuple[int, int], size: tuple[int, int], share: float) -> Window:
    """Return the window in the middle of an image that is resized until `size` is `share` of its shorter side."""
    scale = max(wanted / whole for wanted, whole in zip(size, image_size, strict=True)) / share
    top, left = ((scale * whole - wanted) / 2 for wanted, whole in zip(size, image_size, strict=True))
    return Window((scale, scale), top, left, False, size)


def cut_image(image: ImageArray, window: Window) -> ImageArray:
    """Cut a window that lies inside the image, averaging over the pixels that it shrinks (bilinear, antialiased)."""
    (height, width), (sy, sx) = window.size, window.scale
    box = (window.left / sx, window.top / sy, (window.left + width) / sx, (window.top + height) / sy)
    inside = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], image.shape[1]), min(box[3], image.shape[0]))  # rounding
    resized = PillowImage.fromarray(image).resize((width, height), PillowImage.Resampling.BILINEAR, inside)
    pixels = np.asarray(resized)
    return np.array(pixels[:, ::-1] if window.flip else pixels)


def draw_color(generator: np.random.Generator, config: AugmentConfig) -> npt.NDArray[np.float32]:
    """Draw brightness, contrast and saturation factors and the hue shift (part of the circle), (4,) float32."""
    spread = np.array([config.brightness, config.contrast, config.saturation, config.hue])
    drawn: npt.NDArray[np.float64] = np.array([1.0, 1.0, 1.0, 0.0]) + generator.uniform(-1, 1, 4) * spread
    return drawn.astype(np.float32)


def jitter(image: "Tensor", color: "Tensor") -> "Tensor":
    """Change the colors of a batch on its device by one affine map of RGB per image.

    Saturation and hue act on the chroma of YIQ, as a rotation and a stretch; contrast moves values away from the
    image's mean, brightness scales them.

    Args:
        image: (B, 3, H, W) in [0, 1].
        color: (B, 4) from `draw_color`.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    import torch

    brightness, contrast, saturation, hue = color.to(image.dtype).unbind(1)
    to_yiq = image.new_tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
    angle = hue * (2 * torch.pi)
    cos, sin, zero = angle.cos() * saturation, angle.sin() * saturation, torch.zeros_like(hue)
    turn = torch.stack([zero + 1, zero, zero, zero, cos, -sin, zero, sin, cos], 1).view(-1, 3, 3)
    matrix = torch.linalg.inv(to_yiq) @ turn @ to_yiq * (brightness * contrast).view(-1, 1, 1)  # (B, 3, 3)
    mean = image.mean((1, 2, 3)) * brightness * (1 - contrast)
    pixels = image.permute(0, 2, 3, 1)  # as batches lie in memory, so that this copies nothing
    changed = torch.baddbmm(mean.view(-1, 1, 1), pixels.flatten(1, 2), matrix.transpose(1, 2))
    return changed.view_as(pixels).permute(0, 3, 1, 2).clamp_(0, 1)
