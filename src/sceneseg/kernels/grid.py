"""Logits on a coarse grid, as one value: what networks give, losses take, and predictions are made of."""

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.arrays import ImageSize
from sceneseg.errors import ModelError
from sceneseg.kernels.interpolation import Axis, Extent, Taps, axes, blend_columns, blend_rows
from sceneseg.kernels.targets import check_targets
from sceneseg.kernels.upsample_argmax import upsample_argmax
from sceneseg.kernels.upsample_cross_entropy import upsample_cross_entropy
from sceneseg.kernels.upsample_true_probability import upsample_true_probability
from sceneseg.labels import IGNORE_INDEX


@dataclass(frozen=True)
class CoarseLogits:
    """Logits at a network's own stride, and how they lie on an image.

    Everything that asks for them at another size goes through the kernels, which never build full-size logits where
    that can be avoided.

    Args:
        values: Finite logits (B, C, h, w) of any floating type and memory layout.
        extent: How many pixels (height, width) of the image the grid covers: the image as it was padded at the bottom
            and right. The size that is asked for when None.
        align_corners: As in `torch.nn.functional.interpolate`.

    Example:
        >>> import torch
        >>> logits = CoarseLogits(torch.tensor([[[[2.0, 0.0]], [[0.0, 2.0]]]]))  # two classes, 1 x 2 cells
        >>> logits.argmax((2, 4)).tolist()
        [[[0, 0, 1, 1], [0, 0, 1, 1]]]
        >>> tuple(logits.probabilities((2, 4)).shape)
        (1, 2, 2, 4)
    """

    values: Tensor
    extent: Extent | None = None
    align_corners: bool = False

    @property
    def num_classes(self) -> int:
        """Channels of the logits."""
        return self.values.shape[1]

    def resized_to(self, seen: ImageSize, size: ImageSize) -> Self:
        """Return the same logits on the image at its own size, where the network saw it at another.

        Args:
            seen: (height, width) of the image as the network saw it, before padding; `extent` is in its pixels.
            size: (height, width) of the image.
        """
        height, width = self.extent or seen
        return replace(self, extent=(height * size[0] / seen[0], width * size[1] / seen[1]))

    @property
    def exact_dtype(self) -> torch.dtype:
        """Data type of sums over the logits: float64 if they are, else float32."""
        return torch.float64 if self.values.dtype == torch.float64 else torch.float32

    def full_precision(self) -> Self:
        """Return the logits in float32, or as they are in float64."""
        return replace(self, values=self.values.to(self.exact_dtype))

    def axes(self, size: ImageSize, number: type[np.floating[Any]]) -> tuple[Axis, Axis]:
        """Return between which cells the rows and columns of an output of (H, W) pixels lie.

        Raises:
            ModelError: The logits don't have four dimensions, or `size` is larger than what they cover.
        """
        if self.values.ndim != 4:
            raise ModelError(f"Expected coarse logits (B, C, h, w), found {self.values.ndim} dimensions.")
        extent = self.extent or size
        if size[0] > math.ceil(extent[0]) or size[1] > math.ceil(extent[1]):
            raise ModelError(
                f"The logits cover {extent[0]:g} x {extent[1]:g} pixels, but {size[0]} x {size[1]} are requested. "
                f"Give the extent (height, width) of the padded image in output pixels."
            )
        cells = (self.values.shape[2], self.values.shape[3])
        return axes(cells, size, extent, self.align_corners, number)

    def upsample(self, size: ImageSize) -> Tensor:
        """Return the logits (B, C, H, W), interpolated in their own precision; differentiable."""
        number = np.float64 if self.values.dtype == torch.float64 else np.float32
        rows, columns = self.axes(size, number)
        height, width = self.extent or size
        if float(height).is_integer() and float(width).is_integer():
            padded = (int(height), int(width))
            full = F.interpolate(self.values, padded, mode="bilinear", align_corners=self.align_corners)
            return full[..., : size[0], : size[1]]
        return blend_rows(blend_columns(self.values, Taps.of(columns, self.values)), Taps.of(rows, self.values))

    def argmax(self, size: ImageSize) -> Tensor:
        """Return the class of every pixel: the first maximum of the upsampled logits.

        Args:
            size: (H, W) of the output.

        Returns:
            (B, H, W) uint8. On a CPU it is what ``F.interpolate(values.float(), extent).argmax(1)`` gives, cropped;
            only where the highest logits of a pixel are within rounding may another of them win, if torch rounds in
            another order (3 classes, H + W <= 128, a build of torch without fused multiply-add, fractional extent).

        Raises:
            ModelError: More than 255 classes, logits of another shape, or an output larger than the extent.
        """
        return upsample_argmax(self.values, *self.axes(size, np.float32))

    def probabilities(self, size: ImageSize) -> Tensor:
        """Return the softmax of the upsampled logits, (B, C, H, W) float32; without gradient."""
        return replace(self, values=self.values.detach().float()).upsample(size).softmax(1)

    def cross_entropy(
        self,
        labels: Tensor,
        *,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int = IGNORE_INDEX,
    ) -> tuple[Tensor, Tensor]:
        """Sum weight x cross-entropy over the pixels, as `torch.nn.functional.cross_entropy` defines it.

        Args:
            labels: Train ids (B, H, W) uint8.
            class_weights: (C,), not negative; 1 when None.
            label_smoothing: Share of each label that is spread evenly over all classes.
            ignore_index: The label of pixels that don't count.

        Returns:
            The sum of the losses, differentiable once in `values`, computed in float32 or in float64 if they are; and
            the sum of the valid pixels' class weights.

        Raises:
            ModelError: Shapes that don't fit each other.
            ConfigError: Not one weight per class.
            DataError: Labels that aren't uint8, or (on a CPU) a label that is neither a class nor ignored; elsewhere,
                where asking would wait for the device, the loss is NaN then.
        """
        check_targets(self.values, labels, class_weights, ignore_index)
        rows, columns = self.axes((labels.shape[1], labels.shape[2]), np.float64)
        return upsample_cross_entropy(self.values, labels, rows, columns, class_weights, label_smoothing, ignore_index)

    def true_probability(self, labels: Tensor) -> Tensor:
        """Return the softmax's value at each pixel's label; without gradient.

        Args:
            labels: Train ids (B, H, W) uint8.

        Returns:
            (B, H, W), in float32 or in float64 if the logits are; any number from 0 to 1 where the label is no class.

        Raises:
            ModelError: The logits don't have four dimensions, or the labels are larger than what they cover.
        """
        return upsample_true_probability(
            self.values, labels, *self.axes((labels.shape[1], labels.shape[2]), np.float64)
        )


def as_coarse_logits(logits: CoarseLogits | Tensor) -> CoarseLogits:
    """Return logits as a value; a tensor (B, C, h, w) covers the labels that it is compared with."""
    return logits if isinstance(logits, CoarseLogits) else CoarseLogits(logits)
