"""Cross-entropy of bilinearly upsampled logits, value and gradient, without full-size logits.

The gradient is computed along with the value, band by band, while a band's logits are at hand; what is kept for the
backward pass has the size of the coarse logits.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.errors import ConfigError, DataError, ModelError
from sceneseg.kernels.compilation import runs_triton
from sceneseg.kernels.interpolation import (
    Axis,
    Taps,
    blend_columns,
    blend_columns_back,
    blend_rows,
    blend_rows_back,
)
from sceneseg.kernels.upsample_cross_entropy_numba import cross_entropy_in_tiles

Result = tuple[Tensor, Tensor, Tensor | None]  # sum of losses, sum of weights, gradient of the first if asked for

ROWS_PER_BAND = 32  # output rows of the plain torch version: 8 and 128 are slower


class Targets(NamedTuple):
    """The distribution every label asks for, times its class weight.

    The loss of a pixel with label k is ``hit[k] * -log p[k] + valid[k] * sum(spread * -log p)``.
    """

    weight: Tensor  # (256,) class weights; 0 for what is ignored, NaN for what is no class
    hit: Tensor  # (256,) what is left of the weight after smoothing
    valid: Tensor  # (256,) 1 for a class, 0 otherwise
    spread: Tensor  # (C,) what smoothing gives to each class


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


def check_targets(coarse: Tensor, labels: Tensor, class_weights: Tensor | None, ignore_index: int) -> None:
    """Compare logits with what they are to learn.

    Raises:
        ModelError: Shapes that don't fit each other.
        ConfigError: Not one weight per class.
        DataError: Labels that aren't uint8, or (on a CPU) a label that is neither a class nor ignored.
    """
    if coarse.ndim != 4 or labels.ndim != 3 or len(coarse) != len(labels):
        raise ModelError(
            f"Expected logits (B, C, h, w) and labels (B, H, W), found {tuple(coarse.shape)} and {tuple(labels.shape)}."
        )
    if labels.dtype != torch.uint8:
        raise DataError(f"Expected labels as uint8 train ids, found {labels.dtype}. Encode them with the label space.")
    classes = coarse.shape[1]
    if class_weights is not None and class_weights.shape != (classes,):
        raise ConfigError(f"Expected one class weight for each of {classes} classes, found {class_weights.numel()}.")
    if labels.device.type == "cpu":
        bad = (labels >= classes) & (labels != ignore_index)
        if bad.any():
            raise DataError(
                f"The labels hold the id {int(labels[bad].max())} ({int(bad.sum())} pixels are out of range), but "
                f"there are {classes} classes, and {ignore_index} is ignored. Encode them with the label space."
            )


def make_targets(logits: Tensor, class_weights: Tensor | None, label_smoothing: float, ignore_index: int) -> Targets:
    """Write down what every label asks for: float32, or float64 if the logits are."""
    classes = logits.shape[1]
    exact = logits.new_empty(0, dtype=torch.float64 if logits.dtype == torch.float64 else torch.float32)
    weights = exact.new_ones(classes) if class_weights is None else class_weights.to(exact)
    weight, valid = F.pad(weights, (0, 256 - classes), value=torch.nan), exact.new_zeros(256)
    valid[:classes] = 1
    if 0 <= ignore_index < 256:
        weight[ignore_index] = valid[ignore_index] = 0
    return Targets(weight, (1 - label_smoothing) * weight, valid, label_smoothing / classes * weights)


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
