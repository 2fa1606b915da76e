"""Cross-entropy of upsampled logits in tiles that fit in the cache, compiled by Numba: float32 on a CPU."""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sceneseg.arrays import FloatArray, LabelArray
from sceneseg.kernels.compilation import ROWS_PER_TASK, contracted, run_in_threads
from sceneseg.kernels.interpolation import Axis

if TYPE_CHECKING:
    from sceneseg.kernels.targets import Result, Targets

Tables = tuple[FloatArray, FloatArray, FloatArray, FloatArray]  # Targets as arrays
Span = tuple[int, int]

PIXELS_PER_TILE = 256  # output columns that are worked on at once, so that their logits stay in the cache

ONE, HALF, LOWEST = np.float32(1), np.float32(0.5), np.finfo(np.float32).min
PER_LOG_2 = np.float32(1 / math.log(2))
LOG_2_HIGH, LOG_2_LOW = np.float32(355 / 512), np.float32(math.log(2) - 355 / 512)  # n * LOG_2_HIGH is exact
Q0, Q1, Q2 = np.float32(0.49999993432), np.float32(0.16666520399), np.float32(0.041668390786)
Q3, Q4 = np.float32(0.0083687451078), np.float32(0.0013814540076)


def cross_entropy_in_tiles(
    logits: Tensor, labels: Tensor, targets: "Targets", rows: Axis, columns: Axis, with_gradient: bool
) -> "Result":
    """Work on tiles that fit in the cache, compiled; float32 on a CPU.

    Each task owns the coarse rows it starts from. What it adds to the row below its last one is stored separately and
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


def true_probability_in_tiles(logits: Tensor, labels: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Return the probability of each pixel's own class, (B, H, W); any from 0 to 1 where it has none."""
    batch, _, height, _ = logits.shape
    rows, columns = (axis._replace(weight=axis.weight.astype(np.float32)) for axis in (rows, columns))
    source, wanted = logits.contiguous().numpy(), labels.contiguous().numpy()
    tasks = [(b, (k, min(k + ROWS_PER_TASK, height))) for b in range(batch) for k in range(0, height, ROWS_PER_TASK)]
    probability = np.empty(wanted.shape, np.float32)

    def rate_strip(i: int) -> None:
        b, span = tasks[i]
        _rate_strip(source[b], wanted[b], span, rows, columns, probability[b])

    run_in_threads(rate_strip, len(tasks))
    return torch.from_numpy(probability)


class Tile(NamedTuple):
    """Working space for the pixels between two coarse rows and some of their cells, T of them side by side."""

    top: FloatArray  # (C, T) the upper coarse row, interpolated along the columns
    bottom: FloatArray  # (C, T) the lower one
    top_slope: FloatArray  # (C, T) the loss's gradient in `top`, summed over the pixel rows
    bottom_slope: FloatArray  # (C, T) its gradient in `bottom`
    powers: FloatArray  # (C, T) the logits of one pixel row, then their exponentials below the peak
    peak: FloatArray  # (T,) the highest logit of each pixel
    total: FloatArray  # (T,) the sum of the exponentials
    spread_loss: FloatArray  # (T,) what smoothing costs, without its share in log(total)
    mass: FloatArray  # (T,) turns the exponentials into the gradient of the loss's share in log(total)
    valid: FloatArray  # (T,) 1 where the pixel counts, otherwise 0


@contracted
def _sum_strip(
    logits: FloatArray,
    labels: LabelArray,
    span: Span,
    rows: Axis,
    columns: Axis,
    tables: Tables,
    slopes: FloatArray,
    spill: FloatArray,
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
def _rate_strip(
    logits: FloatArray, labels: LabelArray, span: Span, rows: Axis, columns: Axis, probability: FloatArray
) -> None:
    """Write the probability of each pixel's own class, for the pixels of a strip as `_sum_strip` has them."""
    classes, height, width = logits.shape
    step = max(1, PIXELS_PER_TILE * width // columns.low.size)
    tile = _empty_tile(classes, step * np.diff(columns.starts).max())
    direct = not columns.weight.any() and (columns.low == np.arange(columns.low.size)).all()
    no_spread = np.zeros(classes, np.float32)
    for k in range(span[0], span[1]):
        start, stop = rows.starts[k], rows.starts[k + 1]
        for j in range(0, width, step):
            end = min(j + step, width)
            left, right = columns.starts[j], columns.starts[end]
            if start == stop or left == right:
                continue
            _widen(logits[:, k], j, end, columns, direct, tile.top)
            _widen(logits[:, min(k + 1, height - 1)], j, end, columns, direct, tile.bottom)
            for y in range(start, stop):
                _exponentiate(tile, rows.weight[y], no_spread, right - left)
                for x in range(left, right):
                    c = min(labels[y, x], classes - 1)
                    probability[y, x] = tile.powers[c, x - left] / tile.total[x - left]


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
def _widen(logits: FloatArray, first: int, last: int, columns: Axis, direct: bool, wide: FloatArray) -> None:
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
def _narrow(slope: FloatArray, first: int, last: int, columns: Axis, direct: bool, gradient: FloatArray) -> None:
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
def _sum_tile(
    tile: Tile, weights: FloatArray, labels: LabelArray, tables: Tables, with_gradient: bool
) -> tuple[float, float]:
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
def _exponentiate(tile: Tile, down: np.float32, spread: FloatArray, pixels: int) -> None:
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
def _add_slopes(tile: Tile, down: np.float32, labels: LabelArray, hit: FloatArray, spread: FloatArray) -> None:
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
    """Return e**x for x <= 0, at least e**-87, to 9e-8; in steps that are vectorized, as a library call isn't.

    x = n log 2 + r, and e**r = 1 + r + r**2 q(r), where q is the polynomial of degree 4 with the smallest largest
    error; 2**n is written into the exponent's bits.
    """
    x = max(x, np.float32(-87))
    n = np.floor(x * PER_LOG_2 + HALF)
    r = x - n * LOG_2_HIGH - n * LOG_2_LOW
    q = (((Q4 * r + Q3) * r + Q2) * r + Q1) * r + Q0
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return (q * r * r + r + ONE) * power
