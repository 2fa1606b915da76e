"""Bands of rows, in which losses work on an image, so that logits never lie at full size.

Most losses are sums over pixels, or follow from a few sums per class; `sum_over_bands` computes such sums and their
gradient with the logits of one band in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from sceneseg.errors import ConfigError, DataError, ModelError
from sceneseg.kernels.grid import CoarseLogits, as_coarse_logits
from sceneseg.kernels.interpolation import Taps, blend_columns, blend_columns_back, blend_rows, blend_rows_back
from sceneseg.labels import IGNORE_INDEX

ROWS_PER_BAND = 32  # output rows; more don't fit in the cache, fewer cost more calls


class Band(NamedTuple):
    """Some rows of the output, and what they are interpolated from.

    Args:
        cells: The coarse rows.
        rows: The output rows.
        vertical: From which of `cells` each output row is blended.
        horizontal: From which coarse columns each output column is blended.
    """

    cells: slice
    rows: slice
    vertical: Taps
    horizontal: Taps

    def upsample(self, coarse: Tensor) -> Tensor:
        """Interpolate coarse logits (B, C, h, w) to the band's rows (B, C, rows, W)."""
        return blend_rows(blend_columns(coarse[:, :, self.cells], self.horizontal), self.vertical)

    def add_back(self, gradient: Tensor, coarse_gradient: Tensor) -> None:
        """Add a gradient (B, C, rows, W) to that of the coarse logits (B, C, h, w): `upsample`, transposed."""
        strip = coarse_gradient[:, :, self.cells]
        wide = blend_rows_back(gradient, self.vertical, strip.shape[2])  # (B, C, cells, W)
        strip += blend_columns_back(wide, self.horizontal, strip.shape[3])


def bands(logits: CoarseLogits, labels: Tensor) -> Iterator[Band]:
    """Cut the output, which has the size of `labels`, into bands from top to bottom."""
    size = (labels.shape[1], labels.shape[2])
    rows, columns = logits.axes(size, np.float64)
    vertical, horizontal = Taps.of(rows, logits.values), Taps.of(columns, logits.values)
    cells = logits.values.shape[2]
    step = max(1, ROWS_PER_BAND * cells // max(1, size[0]))
    for first in range(0, cells, step):
        top, bottom = int(rows.starts[first]), int(rows.starts[min(first + step, cells)])
        if top < bottom:
            strip = slice(first, min(first + step + 1, cells))  # with the row below, between which pixels lie
            yield Band(strip, slice(top, bottom), vertical.part(top, bottom, first), horizontal)


def sum_over_bands(measure: Callable[..., Tensor], logits: CoarseLogits, pixels: Sequence[Tensor]) -> Tensor:
    """Sum what `measure` finds in each band; differentiable once.

    Args:
        measure: Maps logits (B, C, rows, W) and the same rows of `pixels` to sums, of the same shape for each band.
        logits: Of (B, C, h, w); worked on in float32, or float64 if they are.
        pixels: Labels (B, H, W), and further maps of that size.
    """
    logits = logits.full_precision()
    cut = list(bands(logits, pixels[0]))
    total: Tensor = _SumOverBands.apply(logits.values, measure, cut, pixels)  # type: ignore[no-untyped-call]
    return total


class _SumOverBands(torch.autograd.Function):
    """Recomputes each band in the backward pass, so that only the coarse logits are stored.

    As `torch.utils.checkpoint` would have it; but that imports torch's compiler, which takes seconds.
    """

    @staticmethod
    def forward(
        ctx: Any, coarse: Tensor, measure: Callable[..., Tensor], cut: list[Band], pixels: Sequence[Tensor]
    ) -> Tensor:
        ctx.save_for_backward(coarse, *pixels)
        ctx.measure, ctx.cut = measure, cut
        return torch.stack([measure(b.upsample(coarse), *(p[:, b.rows] for p in pixels)) for b in cut]).sum(0)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        coarse, *pixels = ctx.saved_tensors
        gradient = torch.zeros_like(coarse)
        for band in ctx.cut:
            logits = band.upsample(coarse).requires_grad_()
            with torch.enable_grad():
                sums = ctx.measure(logits, *(p[:, band.rows] for p in pixels))
            (slope,) = torch.autograd.grad(sums, logits, upstream)
            band.add_back(slope, gradient)
        return gradient, None, None, None


@torch.no_grad()
def map_over_bands(measure: Callable[..., Tensor], logits: CoarseLogits, labels: Tensor) -> Tensor:
    """Put together what `measure` makes of each band's logits and labels, (B, rows, W); without gradient."""
    logits = logits.full_precision()
    cut = bands(logits, labels)
    return torch.cat([measure(band.upsample(logits.values), labels[:, band.rows]) for band in cut], dim=1)


def true_logits(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the logit of each pixel's own class, (B, H, W); of class 0 where it has none."""
    index = torch.where(labels == IGNORE_INDEX, 0, labels).long()
    return logits.gather(1, index.unsqueeze(1)).squeeze(1)


def label_weights(
    labels: Tensor, classes: int, class_weights: Tensor | None, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return each pixel's class weight (1 without weights), 0 where it is ignored: the shape of `labels`."""
    weights = torch.ones(classes) if class_weights is None else class_weights
    table = pad(weights.to(labels.device, dtype), (0, 256 - classes))
    return table[labels.long()]


def check(logits: CoarseLogits | Tensor, labels: Tensor, class_weights: Tensor | None) -> CoarseLogits:
    """Check that logits, labels and class weights fit each other; return the logits as a value.

    Raises:
        ModelError: Shapes that don't.
        ConfigError: Not one weight per class.
        DataError: Labels that aren't uint8, or (on a CPU, where asking costs no wait) are neither a class nor ignored.
    """
    logits = as_coarse_logits(logits)
    coarse = logits.values
    if coarse.ndim != 4 or labels.ndim != 3 or len(coarse) != len(labels):
        raise ModelError(
            f"Expected logits (B, C, h, w) and labels (B, H, W), found {tuple(coarse.shape)} and {tuple(labels.shape)}."
        )
    classes = coarse.shape[1]
    if class_weights is not None and class_weights.shape != (classes,):
        raise ConfigError(f"Expected one class weight for each of {classes} classes, found {class_weights.numel()}.")
    if labels.dtype != torch.uint8:
        raise DataError(f"Expected labels as uint8 train ids, found {labels.dtype}. Encode them with the label space.")
    if labels.device.type == "cpu" and ((labels >= classes) & (labels != IGNORE_INDEX)).any():
        worst = int(labels[labels != IGNORE_INDEX].max())
        raise DataError(
            f"The labels hold the id {worst}, but the logits have {classes} classes and {IGNORE_INDEX} is ignored. "
            f"Turn label ids into train ids with the label space."
        )
    return logits
