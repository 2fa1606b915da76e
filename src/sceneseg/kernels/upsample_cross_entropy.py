"""Cross-entropy of bilinearly upsampled logits, value and gradient, without full-size logits.

The gradient is computed along with the value, band by band, while a band's logits are at hand; what is stored for the
backward pass has the size of the coarse logits.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.kernels.compilation import runs_triton
from sceneseg.kernels.interpolation import (
    Axis,
    Taps,
    blend_columns,
    blend_columns_back,
    blend_rows,
    blend_rows_back,
)
from sceneseg.kernels.targets import Result, Targets, make_targets
from sceneseg.kernels.upsample_cross_entropy_numba import cross_entropy_in_tiles

ROWS_PER_BAND = 32  # output rows of the plain torch version: 8 and 128 are slower


def upsample_cross_entropy(
    coarse: Tensor,
    labels: Tensor,
    rows: Axis,
    columns: Axis,
    class_weights: Tensor | None,
    label_smoothing: float,
    ignore_index: int,
) -> tuple[Tensor, Tensor]:
    """Sum weight x cross-entropy over the pixels.

    Args:
        coarse: Finite logits (B, C, h, w) of any floating type; computed in float32, or float64 if they are.
        labels: Train ids (B, H, W) uint8, which `check_targets` has seen.
        rows: The labels' rows, in float64.
        columns: The labels' columns, in float64.
        class_weights: (C,), not negative; 1 when None.
        label_smoothing: Share of each label that is spread evenly over all classes.
        ignore_index: The label of pixels that don't count.

    Returns:
        See `sceneseg.kernels.grid.CoarseLogits.cross_entropy`.
    """
    needs_gradient = coarse.requires_grad and torch.is_grad_enabled()
    with torch.no_grad():
        targets = make_targets(coarse, class_weights, label_smoothing, ignore_index)
        compute, logits = _choose(coarse.detach())
        loss_sum, weight_sum, gradient = compute(logits, labels, targets, rows, columns, needs_gradient)
    if gradient is not None:
        loss_sum = _Attach.apply(coarse, loss_sum, gradient)  # type: ignore[no-untyped-call]
    return loss_sum, weight_sum


def _choose(logits: Tensor) -> tuple[Callable[..., Result], Tensor]:
    """Return the fastest way that there is for these logits, and them as it takes them."""
    if runs_triton(logits):
        from sceneseg.kernels.upsample_cross_entropy_triton import cross_entropy_in_registers

        return cross_entropy_in_registers, logits
    if logits.dtype == torch.float64:
        return cross_entropy_in_bands, logits
    return (cross_entropy_in_tiles if logits.device.type == "cpu" else cross_entropy_in_bands), logits.float()


def cross_entropy_reference(
    logits: Tensor,
    labels: Tensor,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = 255,
) -> tuple[Tensor, Tensor]:
    """Take full-size logits (B, C, H, W) by autograd: the meaning of `upsample_cross_entropy`, on any device."""
    target, epsilon = labels.long(), label_smoothing
    weight_sum = make_targets(logits, class_weights, epsilon, ignore_index).weight[target].sum()
    return F.cross_entropy(logits, target, class_weights, None, ignore_index, None, "sum", epsilon), weight_sum


class _Attach(torch.autograd.Function):
    """Give a value the gradient that was computed along with it."""

    @staticmethod
    def forward(ctx: Any, coarse: Tensor, loss_sum: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        ctx.dtype = coarse.dtype
        return loss_sum.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return (gradient * upstream).to(ctx.dtype), None, None


def cross_entropy_in_bands(
    logits: Tensor, labels: Tensor, targets: Targets, rows: Axis, columns: Axis, with_gradient: bool
) -> Result:
    """Work on some rows of the output at a time, in plain torch; any device."""
    cells, width = logits.shape[2:]
    step = max(1, ROWS_PER_BAND * cells // rows.low.size)
    down, along = Taps.of(rows, logits), Taps.of(columns, logits)
    loss_sum, weight_sum = logits.new_zeros(()), logits.new_zeros(())
    gradient = torch.zeros_like(logits) if with_gradient else None
    for first in range(0, cells, step):
        last = min(first + step + 1, cells)  # with the row below, down to which pixels lie
        top, bottom = int(rows.starts[first]), int(rows.starts[min(first + step, cells)])
        band = down.part(top, bottom, first)
        wide = blend_columns(logits[:, :, first:last], along)  # (B, C, last - first, W)
        log_p = blend_rows(wide, band).log_softmax(1)  # (B, C, bottom - top, W)
        losses, weights, slope = _band(log_p, labels[:, top:bottom].long(), targets)
        loss_sum += losses.sum()
        weight_sum += weights.sum()
        if gradient is not None:
            back = blend_rows_back(slope, band, last - first)
            gradient[:, :, first:last] += blend_columns_back(back, along, width)
    return loss_sum, weight_sum, gradient


def _band(log_p: Tensor, labels: Tensor, targets: Targets) -> tuple[Tensor, Tensor, Tensor]:
    """Return losses and weights (B, rows, W), and the gradient (B, C, rows, W), which takes the place of `log_p`."""
    hit, valid = targets.hit[labels].unsqueeze(1), targets.valid[labels].unsqueeze(1)  # (B, 1, rows, W)
    target = torch.where(valid > 0, labels.unsqueeze(1), 0)
    spread = targets.spread.view(1, -1, 1, 1)
    losses = -hit * log_p.gather(1, target) - valid * (spread * log_p).sum(1, keepdim=True)
    slope = log_p.exp_().mul_(hit + valid * spread.sum()).sub_(spread * valid).scatter_add_(1, target, -hit)
    return losses.squeeze(1), targets.weight[labels], slope
