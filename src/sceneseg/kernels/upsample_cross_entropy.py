"""Cross-entropy of bilinearly upsampled logits, value and gradient, without full-size logits.

The gradient is computed along with the value, band by band, while a band's logits are at hand; what is kept for the
backward pass has the size of the coarse logits.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.errors import ConfigError, DataError, ModelError
from sceneseg.kernels import _grid
from sceneseg.kernels._grid import ROWS_PER_TASK, Axis, Covered, Taps, axes, contracted, run_in_threads, upsample
from sceneseg.labels import IGNORE_INDEX

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]
Tables = tuple[Floats, Floats, Floats, Floats]  # Targets as arrays
Span = tuple[int, int]
Result = tuple[Tensor, Tensor, Tensor | None]  # sum of losses, sum of weights, gradient of the first if asked for

PIXELS_PER_TILE = 256  # output columns that are worked on at once, so that their logits stay in the cache
ROWS_PER_BAND = 32  # output rows of the plain torch version: 8 and 128 are slower

ONE, HALF, LOWEST = np.float32(1), np.float32(0.5), np.finfo(np.float32).min
PER_LOG_2 = np.float32(1 / math.log(2))
LOG_2_HIGH, LOG_2_LOW = np.float32(355 / 512), np.float32(math.log(2) - 355 / 512)  # n * LOG_2_HIGH is exact
Q0, Q1, Q2 = np.float32(0.49999993432), np.float32(0.16666520399), np.float32(0.041668390786)
Q3, Q4 = np.float32(0.0083687451078), np.float32(0.0013814540076)


class Targets(NamedTuple):
    """The distribution every label asks for, times its class weight.

    The loss of a pixel with label k is ``hit[k] * -log p[k] + valid[k] * sum(spread * -log p)``.
    """

    weight: Tensor  # (256,) class weights; 0 for what is no class, or ignored
    hit: Tensor  # (256,) what is left of the weight after smoothing
    valid: Tensor  # (256,) 1 for a class, 0 otherwise
    spread: Tensor  # (C,) what smoothing gives to each class


def upsample_cross_entropy(
    coarse: Tensor,
    labels: Tensor,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORE_INDEX,
    covered: Covered | None = None,
    align_corners: bool = False,
) -> tuple[Tensor, Tensor]:
    """Sum weight x cross-entropy over the pixels, as `F.cross_entropy` defines it.

    Args:
        coarse: Finite logits (B, C, h, w) of any floating type; computed in float32, or float64 if they are.
        labels: Train ids (B, H, W) uint8.
        class_weights: (C,), not negative; 1 when None.
        label_smoothing: Share of each label that is spread evenly over all classes.
        ignore_index: The label of pixels that don't count.
        covered: How many label pixels (height, width) the coarse logits cover, at least H x W: the image as it was
            padded at the bottom and right. The labels' size when None.
        align_corners: As in `torch.nn.functional.interpolate`.

    Returns:
        The sum of the losses, differentiable once in `coarse`, and the sum of the valid pixels' class weights.

    Raises:
        ModelError: Shapes that don't fit each other.
        ConfigError: Not one weight per class.
        DataError: Labels that aren't uint8, or (on a CPU) a label that is neither a class nor ignored.
    """
    _check(coarse, labels, class_weights, ignore_index)
    needs_gradient = coarse.requires_grad and torch.is_grad_enabled()
    with torch.no_grad():
        logits = coarse.detach() if coarse.dtype == torch.float64 else coarse.detach().float()
        targets = _targets(logits, class_weights, label_smoothing, ignore_index)
        size = (labels.shape[1], labels.shape[2])
        rows, columns = axes(logits, size, covered, align_corners, np.float64)
        in_tiles = logits.device.type == "cpu" and logits.dtype == torch.float32
        compute = cross_entropy_in_tiles if in_tiles else cross_entropy_in_bands
        loss_sum, weight_sum, gradient = compute(logits, labels, targets, rows, columns, needs_gradient)
    if gradient is not None:
        loss_sum = _Attach.apply(coarse, loss_sum, gradient)  # type: ignore[no-untyped-call]
    return loss_sum, weight_sum


def cross_entropy_reference(
    coarse: Tensor,
    labels: Tensor,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORE_INDEX,
    covered: Covered | None = None,
    align_corners: bool = False,
) -> tuple[Tensor, Tensor]:
    """Upsample, then `F.cross_entropy`: the meaning of `upsample_cross_entropy`, by autograd, on any device."""
    logits = upsample(coarse, (labels.shape[1], labels.shape[2]), covered, align_corners)
    target, epsilon = labels.long(), label_smoothing
    weight_sum = _targets(coarse, class_weights, epsilon, ignore_index).weight[target].sum()
    return F.cross_entropy(logits, target, class_weights, None, ignore_index, None, "sum", epsilon), weight_sum


def _check(coarse: Tensor, labels: Tensor, class_weights: Tensor | None, ignore_index: int) -> None:
    if coarse.ndim != 4 or labels.ndim != 3 or len(coarse) != len(labels):
        raise ModelError(
            f"Expected logits (B, C, h, w) and labels (B, H, W), found {tuple(coarse.shape)} and {tuple(labels.shape)}."
        )
    if labels.dtype != torch.uint8:
        raise DataError(f"Expected labels as uint8 train ids, found {labels.dtype}. Encode them with the label space.")
    classes = coarse.shape[1]
    if class_weights is not None and class_weights.shape != (classes,):
        raise ConfigError(f"Expected one class weight for each of {classes} classes, found {class_weights.numel()}.")
    if labels.device.type == "cpu":  # elsewhere torch's own index check answers; asking here would wait for the device
        bad = (labels >= classes) & (labels != ignore_index)
        if bad.any():
            raise DataError(
                f"The labels hold the id {int(labels[bad].max())} ({int(bad.sum())} pixels are out of range), but "
                f"there are {classes} classes, and {ignore_index} is ignored. Encode them with the label space."
            )


def _targets(logits: Tensor, class_weights: Tensor | None, label_smoothing: float, ignore_index: int) -> Targets:
    classes = logits.shape[1]
    valid = logits.new_zeros(256)
    valid[:classes] = 1
    if 0 <= ignore_index < 256:
        valid[ignore_index] = 0
    weights = logits.new_ones(classes) if class_weights is None else class_weights.to(logits)
    weight = F.pad(weights, (0, 256 - classes)) * valid
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
        wide = _grid.blend_columns(logits[:, :, first:last], along)  # (B, C, last - first, W)
        log_p = _grid.blend_rows(wide, band).log_softmax(1)  # (B, C, bottom - top, W)
        losses, weights, slope = _band(log_p, labels[:, top:bottom].long(), targets)
        loss_sum += losses.sum()
        weight_sum += weights.sum()
        if gradient is not None:
            back = _grid.blend_rows_back(slope, band, last - first)
            gradient[:, :, first:last] += _grid.blend_columns_back(back, along, width)
    return loss_sum, weight_sum, gradient


def _band(log_p: Tensor, labels: Tensor, targets: Targets) -> tuple[Tensor, Tensor, Tensor]:
    """Return losses and weights (B, rows, W), and the gradient (B, C, rows, W), which takes the place of `log_p`."""
    hit, valid = targets.hit[labels].unsqueeze(1), targets.valid[labels].unsqueeze(1)  # (B, 1, rows, W)
    target = torch.where(valid > 0, labels.unsqueeze(1), 0)
    spread = targets.spread.view(1, -1, 1, 1)
    losses = -hit * log_p.gather(1, target) - valid * (spread * log_p).sum(1, keepdim=True)
    slope = log_p.exp_().mul_(hit + valid * spread.sum()).sub_(spread * valid).scatter_add_(1, target, -hit)
    return losses.squeeze(1), targets.weight[labels], slope


def cross_entropy_in_tiles(
    logits: Tensor, labels: Tensor, targets: Targets, rows: Axis, columns: Axis, with_gradient: bool
) -> Result:
    """Work on tiles that fit in the cache, compiled; float32 on a CPU.

    Each task owns the coarse rows it starts from. What it adds to the row below its last one is kept aside and
    added at the end, so that the sums don't depend on the number of threads.
    """
    batch, classes, height, width = logits.shape
    rows, columns = (axis._replace(weight=axis.weight.astype(np.float32)) for axis in (rows, columns))
    source, wanted = logits.contiguous().numpy(), labels.contiguous().numpy()
    tables = tuple(table.numpy() for table in targets)
    tasks = [(b, (k, min(k + ROWS_PER_TASK, height))) for b in range(batch) for k in range(0, height, ROWS_PER_TASK)]
    gradient = np.zeros(source.shape if with_gradient else (batch, 0, 0, 0), np.float32)
    spill = np.zeros((len(tasks), classes, width) if with_gradient else (len(tasks), 0, 0), np.float32)

    def sum_strip(i: int) -> tuple[float, float]:
        b, span = tasks[i]
        return _sum_strip(source[b], wanted[b], span, rows, columns, tables, gradient[b], spill[i])

    sums = run_in_threads(sum_strip, len(tasks))
    for i, (b, (_, last)) in enumerate(tasks):
        if with_gradient and last < height:
            gradient[b, :, last] += spill[i]
    loss_sum, weight_sum = (torch.tensor(math.fsum(part), dtype=torch.float32) for part in zip(*sums, strict=True))
    return loss_sum, weight_sum, torch.from_numpy(gradient) if with_gradient else None


class Tile(NamedTuple):
    """Working space for the pixels between two coarse rows and some of their cells, T of them side by side."""

    top: Floats  # (C, T) the upper coarse row, interpolated along the columns
    bottom: Floats  # (C, T) the lower one
    top_slope: Floats  # (C, T) the loss's gradient in `top`, summed over the pixel rows
    bottom_slope: Floats  # (C, T) its gradient in `bottom`
    powers: Floats  # (C, T) the logits of one pixel row, then their exponentials below the peak
    peak: Floats  # (T,) the highest logit of each pixel
    total: Floats  # (T,) the sum of the exponentials
    spread_loss: Floats  # (T,) what smoothing costs, without its share in log(total)
    mass: Floats  # (T,) turns the exponentials into the gradient of the loss's share in log(total)
    valid: Floats  # (T,) 1 where the pixel counts, otherwise 0


@contracted
def _sum_strip(
    logits: Floats, labels: Labels, span: Span, rows: Axis, columns: Axis, tables: Tables, slopes: Floats, spill: Floats
) -> tuple[float, float]:
    """Sum losses and weights of the pixels below the coarse rows first..last-1, each down to the next coarse row.

    The gradient is added to rows first..last-1 of `slopes` (C, h, w), and for row `last` to `spill` (C, w); with
    an empty `slopes` it isn't computed.
    """
    first, last = span
    classes, height, width = logits.shape
    step = max(1, PIXELS_PER_TILE * width // columns.low.size)
    tile = _empty_tile(classes, step * np.diff(columns.starts).max())
    direct = not columns.weight.any() and (columns.low == np.arange(columns.low.size)).all()
    loss_sum = weight_sum = 0.0
    for k in range(first, last):
        below = min(k + 1, height - 1)
        start, stop = rows.starts[k], rows.starts[k + 1]
        for j in range(0, width, step):
            end = min(j + step, width)
            left, right = columns.starts[j], columns.starts[end]
            if start == stop or left == right:
                continue
            between = rows.weight[start:stop].any()  # not so where the logits have full size
            _widen(logits[:, k], j, end, columns, direct, tile.top)
            if between:
                _widen(logits[:, below], j, end, columns, direct, tile.bottom)
            pixels, with_gradient = labels[start:stop, left:right], slopes.size > 0
            losses, weights = _sum_tile(tile, rows.weight[start:stop], pixels, tables, with_gradient)
            loss_sum += losses
            weight_sum += weights
            if with_gradient:
                _narrow(tile.top_slope, j, end, columns, direct, slopes[:, k])
            if with_gradient and between:
                _narrow(tile.bottom_slope, j, end, columns, direct, slopes[:, below] if below < last else spill)
    return loss_sum, weight_sum


@contracted
def _empty_tile(classes: int, width: int) -> Tile:
    """Return working space for `width` pixels side by side."""
    wide, line = np.zeros((classes, width), np.float32), np.zeros(width, np.float32)
    return Tile(
        wide,
        wide.copy(),
        wide.copy(),
        wide.copy(),
        wide.copy(),
        line,
        line.copy(),
        line.copy(),
        line.copy(),
        line.copy(),
    )


@contracted
def _widen(logits: Floats, first: int, last: int, columns: Axis, direct: bool, wide: Floats) -> None:
    """Interpolate the cells first..last-1 of a coarse row (C, w) along the columns; copy them if pixels are cells."""
    starts, weight = columns.starts, columns.weight
    for c in range(logits.shape[0]):
        if direct:
            wide[c, : starts[last] - starts[first]] = logits[c, starts[first] : starts[last]]
            continue
        for j in range(first, last):
            a, b = logits[c, j], logits[c, min(j + 1, logits.shape[1] - 1)]
            left, right = starts[j], starts[j + 1]
            for x in range(left, right):
                wide[c, x - starts[first]] = a * (ONE - weight[x]) + b * weight[x]


@contracted
def _narrow(slope: Floats, first: int, last: int, columns: Axis, direct: bool, gradient: Floats) -> None:
    """Add the gradient at the pixels to the cells that they were interpolated from: `_widen`, transposed."""
    starts, weight = columns.starts, columns.weight
    for c in range(slope.shape[0]):
        if direct:
            for x in range(starts[first], starts[last]):
                gradient[c, x] += slope[c, x - starts[first]]
            continue
        for j in range(first, last):
            low = high = np.float32(0)
            left, right = starts[j], starts[j + 1]
            for x in range(left, right):
                low += slope[c, x - starts[first]] * (ONE - weight[x])
                high += slope[c, x - starts[first]] * weight[x]
            gradient[c, j] += low
            gradient[c, min(j + 1, gradient.shape[1] - 1)] += high


@contracted
def _sum_tile(tile: Tile, weights: Floats, labels: Labels, tables: Tables, with_gradient: bool) -> tuple[float, float]:
    """Sum losses and weights of a tile's pixels (rows, T), and their gradient into the tile's slopes."""
    weight, hit, is_class, spread = tables
    top, bottom, peak, total, spread_loss = tile.top, tile.bottom, tile.peak, tile.total, tile.spread_loss
    mass, valid = tile.mass, tile.valid
    tile.top_slope[:], tile.bottom_slope[:] = 0, 0
    spread_sum = spread.sum()
    loss_sum = weight_sum = 0.0
    for y in range(labels.shape[0]):
        down = weights[y]
        _exponentiate(tile, down, spread, labels.shape[1])
        for x in range(labels.shape[1]):
            k = labels[y, x]
            c = min(k, top.shape[0] - 1)  # an ignored label must not index beyond the classes; its `hit` is 0
            own = top[c, x] * (ONE - down) + bottom[c, x] * down
            log_total = np.log(total[x])
            valid[x] = is_class[k]
            mass[x] = (hit[k] + valid[x] * spread_sum) / total[x]
            loss_sum += hit[k] * (peak[x] - own + log_total) + valid[x] * (spread_sum * log_total + spread_loss[x])
            weight_sum += weight[k]
        if with_gradient:
            _add_slopes(tile, down, labels[y], hit, spread)
    return loss_sum, weight_sum


@contracted
def _exponentiate(tile: Tile, down: np.float32, spread: Floats, pixels: int) -> None:
    """Compute the numerators and the denominator of the softmax of one pixel row, and its smoothing loss."""
    top, bottom, powers, peak, total = tile.top, tile.bottom, tile.powers, tile.peak, tile.total
    spread_loss, up = tile.spread_loss, ONE - down
    peak[:], total[:], spread_loss[:] = LOWEST, 0, 0
    for c in range(top.shape[0]):
        for x in range(pixels):
            logit = top[c, x] * up + bottom[c, x] * down
            powers[c, x] = logit
            peak[x] = max(peak[x], logit)
    for c in range(top.shape[0]):
        for x in range(pixels):
            drop = powers[c, x] - peak[x]
            power = _exp(drop)
            powers[c, x] = power
            total[x] += power
            spread_loss[x] -= spread[c] * drop


@contracted
def _add_slopes(tile: Tile, down: np.float32, labels: Labels, hit: Floats, spread: Floats) -> None:
    """Add the gradient at one pixel row to the coarse rows above and below it."""
    powers, mass, valid, top_slope, bottom_slope = tile.powers, tile.mass, tile.valid, tile.top_slope, tile.bottom_slope
    up = ONE - down
    for c in range(powers.shape[0]):
        for x in range(labels.size):
            slope = powers[c, x] * mass[x] - spread[c] * valid[x]
            top_slope[c, x] += up * slope
            bottom_slope[c, x] += down * slope
    for x in range(labels.size):
        k = labels[x]
        c = min(k, powers.shape[0] - 1)
        top_slope[c, x] -= up * hit[k]
        bottom_slope[c, x] -= down * hit[k]


@contracted
def _exp(x: np.float32) -> np.float32:
    """Return e**x for x <= 0, at least e**-87, to 9e-8; in steps that are vectorised, as a library call isn't.

    x = n log 2 + r, and e**r = 1 + r + r**2 q(r), where q is the polynomial of degree 4 with the smallest largest
    error; 2**n is written into the exponent's bits.
    """
    x = max(x, np.float32(-87))
    n = np.floor(x * PER_LOG_2 + HALF)
    r = x - n * LOG_2_HIGH - n * LOG_2_LOW
    q = (((Q4 * r + Q3) * r + Q2) * r + Q1) * r + Q0
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return (q * r * r + r + ONE) * power
