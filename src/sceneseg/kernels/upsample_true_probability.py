"""The probability of every pixel's own class, without full-size logits: what OHEM ranks pixels by."""

import torch
from torch import Tensor

from sceneseg.kernels.compilation import runs_triton
from sceneseg.kernels.interpolation import Axis, Taps, blend_columns, blend_rows
from sceneseg.kernels.targets import make_targets
from sceneseg.kernels.upsample_cross_entropy import ROWS_PER_BAND
from sceneseg.kernels.upsample_cross_entropy_numba import true_probability_in_tiles


@torch.no_grad()
def upsample_true_probability(coarse: Tensor, labels: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Return the softmax's value at each pixel's label; without gradient.

    Args:
        coarse: Finite logits (B, C, h, w) of any floating type; computed in float32, or float64 if they are.
        labels: Train ids (B, H, W) uint8.
        rows: The labels' rows, in float64.
        columns: The labels' columns, in float64.

    Returns:
        (B, H, W); any number from 0 to 1 where the label is no class.
    """
    if runs_triton(coarse):
        from sceneseg.kernels.upsample_cross_entropy_triton import true_probability_in_registers

        return true_probability_in_registers(coarse, labels, make_targets(coarse, None, 0, 255), rows, columns)
    if coarse.dtype == torch.float64 or coarse.device.type != "cpu":
        exact = coarse if coarse.dtype == torch.float64 else coarse.float()
        return true_probability_in_bands(exact, labels, rows, columns)
    return true_probability_in_tiles(coarse.float(), labels, rows, columns)


def true_probability_in_bands(logits: Tensor, labels: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Work on some rows of the output at a time, in plain torch; any device."""
    cells = logits.shape[2]
    step = max(1, ROWS_PER_BAND * cells // rows.low.size)
    down, along = Taps.of(rows, logits), Taps.of(columns, logits)
    bands = []
    for first in range(0, cells, step):
        top, bottom = int(rows.starts[first]), int(rows.starts[min(first + step, cells)])
        wide = blend_columns(logits[:, :, first : first + step + 1], along)
        bands.append(true_probability_reference(blend_rows(wide, down.part(top, bottom, first)), labels[:, top:bottom]))
    return torch.cat(bands, 1)


def true_probability_reference(logits: Tensor, labels: Tensor) -> Tensor:
    """Take the softmax of full-size logits (B, C, H, W); any device."""
    label = labels.clamp(max=logits.shape[1] - 1).long().unsqueeze(1)
    return (logits.gather(1, label).squeeze(1) - logits.logsumexp(1)).exp()
