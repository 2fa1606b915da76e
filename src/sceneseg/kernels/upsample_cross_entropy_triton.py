"""Cross-entropy of upsampled logits on a GPU, value and gradient.

Not run on a GPU yet: tested in Triton's interpreter, and compiled for CUDA.

The value's kernel works on tiles of the output and keeps of each pixel one number, the logarithm of the softmax's
denominator. The gradient's kernel owns coarse cells and gathers what the pixels around them say; nothing is added by
several programs to one number, so that two runs give the same bits.
"""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disable-error-code=untyped-decorator
# (Triton looks every name in a kernel up, those of types too)

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl
from torch import Tensor

from sceneseg.kernels._triton import Line, blend, blend_columns, launch, place
from sceneseg.kernels.interpolation import Axis

if TYPE_CHECKING:
    from sceneseg.kernels.targets import Result, Targets

PIXELS = 1024  # of one program at a time
MOST_ROWS = 8
CLASSES = 4  # of one program of the gradient, which finds label and denominator of a pixel once for all of them
MOST_BESIDE = 32  # pixels side by side of one cell, at a time

NOTHING = tl.constexpr(0)  # what is stored of each pixel
LOG_TOTAL = tl.constexpr(1)  # the logarithm of the softmax's denominator
PROBABILITY = tl.constexpr(2)  # the own class's probability


def cross_entropy_in_registers(
    logits: Tensor, labels: Tensor, targets: "Targets", rows: Axis, columns: Axis, with_gradient: bool
) -> "Result":
    """Sum losses and weights, and gather the gradient; logits of float32, bfloat16 or float16, of any layout.

    The sums, the gradient (B, C, h, w) and all steps on the way are float32.
    """
    down, along = place(rows, logits.device), place(columns, logits.device)
    log_total = torch.empty(labels.shape if with_gradient else 0, dtype=torch.float32, device=logits.device)
    sums = _sum_tiles(logits, labels, targets, down, along, log_total, LOG_TOTAL if with_gradient else NOTHING)
    gradient = _gather_cells(logits, labels, targets, down, along, log_total) if with_gradient else None
    loss_sum, weight_sum = sums.double().sum(1).float()
    return loss_sum, weight_sum, gradient


def true_probability_in_registers(
    logits: Tensor, labels: Tensor, targets: "Targets", rows: Axis, columns: Axis
) -> Tensor:
    """Return the probability of each pixel's own class, (B, H, W) float32; any number where it has none."""
    probability = torch.empty(labels.shape, dtype=torch.float32, device=logits.device)
    down, along = place(rows, logits.device), place(columns, logits.device)
    _sum_tiles(logits, labels, targets, down, along, probability, PROBABILITY)
    return probability


def _sum_tiles(
    logits: Tensor, labels: Tensor, targets: "Targets", down: Line, along: Line, kept: Tensor, keep: tl.constexpr
) -> Tensor:
    """Return the sums of losses and weights of every program, (2, programs), and write what is stored of each pixel."""
    (batch, height, width), (_, classes, cells_high, cells_wide) = labels.shape, logits.shape
    high = min(triton.next_power_of_2(down.longest), MOST_ROWS)
    wide = min(PIXELS // high, triton.next_power_of_2(width))
    grid = (triton.cdiv(width, wide), cells_high, batch)
    sums = logits.new_empty((2, grid[0] * grid[1] * grid[2]), dtype=torch.float32)
    launch(
        _sum_tile,
        grid,
        logits,
        *logits.stride(),
        labels.contiguous(),
        *targets,
        down.starts,
        down.weight,
        along.low,
        along.weight,
        sums,
        kept,
        sums.shape[1],
        classes,
        cells_high,
        cells_wide,
        height,
        width,
        keep=keep,
        high=high,
        wide=wide,
    )
    return sums


@triton.jit
def _sum_tile(
    coarse,
    image_stride,
    class_stride,
    row_stride,
    column_stride,
    labels,
    weight_table,
    hit_table,
    valid_table,
    spread_table,
    row_starts,
    row_weight,
    column_low,
    column_weight,
    sums,
    kept,
    programs,
    classes,
    cells_high,
    cells_wide,
    height,
    width,
    keep: tl.constexpr,
    high: tl.constexpr,
    wide: tl.constexpr,
):
    """Sum over `wide` columns of the pixels from one coarse row down to the next."""
    cell, image = tl.program_id(1).to(tl.int64), tl.program_id(2).to(tl.int64)
    x = tl.program_id(0) * wide + tl.arange(0, wide)
    left = tl.load(column_low + x, mask=x < width, other=0)
    right = tl.minimum(left + 1, cells_wide - 1) * column_stride
    left *= column_stride
    along = tl.load(column_weight + x, mask=x < width, other=0)
    first = coarse + image * image_stride
    stop = tl.load(row_starts + cell + 1)
    losses = tl.zeros((high, wide), tl.float32)
    weights = tl.zeros((high, wide), tl.float32)
    for top in range(tl.load(row_starts + cell), stop, high):
        y = top + tl.arange(0, high)
        down = tl.load(row_weight + y, mask=y < stop, other=0)[:, None]
        inside = (y < stop)[:, None] & (x < width)[None, :]
        pixel = (image * height + y)[:, None] * width + x[None, :]
        label = tl.load(labels + pixel, mask=inside, other=0).to(tl.int32)
        upper, lower = first + cell * row_stride, first + tl.minimum(cell + 1, cells_high - 1) * row_stride
        peak, own, total, spread, drop = _softmax(
            upper, lower, class_stride, left, right, along, down, label, spread_table, classes
        )
        log_total = tl.log(total)
        hit = tl.load(hit_table + label, mask=inside, other=0)
        valid = tl.load(valid_table + label, mask=inside, other=0)
        losses += hit * (peak - own + log_total) + valid * (spread * log_total + drop)
        weights += tl.load(weight_table + label, mask=inside, other=0)
        if keep == LOG_TOTAL:
            tl.store(kept + pixel, peak + log_total, mask=inside)
        if keep == PROBABILITY:
            tl.store(kept + pixel, tl.exp(own - peak) / total, mask=inside)
    program = (tl.program_id(2) * tl.num_programs(1) + tl.program_id(1)) * tl.num_programs(0) + tl.program_id(0)
    tl.store(sums + program, tl.sum(losses))
    tl.store(sums + programs + program, tl.sum(weights))


@triton.jit
def _softmax(upper_row, lower_row, class_stride, left, right, along, down, label, spread_table, classes):
    """Go through the logits of a tile, class by class.

    Returns:
        The highest logit and the label's (any where that is no class), the softmax's denominator over e**highest,
        the sum of the spreads, and how far all classes lie below the highest, each times its spread.
    """
    upper, lower = blend_columns(upper_row, left, right, along), blend_columns(lower_row, left, right, along)
    peak = blend(upper[None, :], lower[None, :], down)
    own, total, drop = peak, tl.zeros_like(peak) + 1, tl.zeros_like(peak)
    spread = tl.load(spread_table)
    for c in range(1, classes):
        upper_row += class_stride
        lower_row += class_stride
        upper, lower = blend_columns(upper_row, left, right, along), blend_columns(lower_row, left, right, along)
        logit = blend(upper[None, :], lower[None, :], down)
        rise = logit - peak
        power = tl.exp(-tl.abs(rise))
        total = tl.where(rise > 0, total * power + 1, total + power)
        more = tl.load(spread_table + c)
        drop += tl.where(rise > 0, spread * rise, -more * rise)
        spread += more
        peak = tl.where(rise > 0, logit, peak)
        own = tl.where(label == c, logit, own)
    return peak, own, total, spread, drop


def _gather_cells(
    logits: Tensor, labels: Tensor, targets: "Targets", down: Line, along: Line, log_total: Tensor
) -> Tensor:
    """Return the gradient (B, C, h, w) float32, in the layout of the logits."""
    (batch, height, width), (_, classes, cells_high, cells_wide) = labels.shape, logits.shape
    gradient = torch.empty_like(logits, dtype=torch.float32)
    beside = min(triton.next_power_of_2(along.longest), MOST_BESIDE)
    cells = min(PIXELS // (CLASSES * beside), triton.next_power_of_2(cells_wide))
    blocks = triton.cdiv(classes, CLASSES)
    launch(
        _gather_cell,
        (triton.cdiv(cells_wide, cells), cells_high, batch * blocks),
        logits,
        *logits.stride(),
        labels.contiguous(),
        log_total,
        targets.hit,
        targets.valid,
        targets.spread,
        targets.spread.sum(),
        down.starts,
        down.weight,
        along.starts,
        along.weight,
        along.longest,
        gradient,
        *gradient.stride(),
        classes,
        cells_high,
        cells_wide,
        height,
        width,
        together=CLASSES,
        cells=cells,
        beside=beside,
    )
    return gradient


@triton.jit
def _gather_cell(
    coarse,
    image_stride,
    class_stride,
    row_stride,
    column_stride,
    labels,
    log_total,
    hit_table,
    valid_table,
    spread_table,
    spread_sum,
    row_starts,
    row_weight,
    column_starts,
    column_weight,
    longest,
    gradient,
    image_step,
    class_step,
    row_step,
    column_step,
    classes,
    cells_high,
    cells_wide,
    height,
    width,
    together: tl.constexpr,
    cells: tl.constexpr,
    beside: tl.constexpr,
):
    """Gather the gradient of some classes at some cells of a coarse row, from the pixels around each of them."""
    blocks = tl.cdiv(classes, together)
    image, k = (tl.program_id(2) // blocks).to(tl.int64), tl.program_id(1).to(tl.int64)
    c = (tl.program_id(2) % blocks) * together + tl.arange(0, together)
    j = tl.program_id(0) * cells + tl.arange(0, cells)
    own = c[:, None, None]
    first = coarse + image * image_stride + (tl.minimum(c, classes - 1).to(tl.int64) * class_stride)[:, None]
    spread = tl.load(spread_table + c, mask=c < classes, other=0)[:, None, None]
    spread_all = tl.load(spread_sum)
    found = tl.zeros((together, cells, beside), tl.float32)
    for after in tl.static_range(2):  # pixels between the column before and the cell's own, then those behind it
        column = tl.minimum(tl.maximum(j - 1 + after, 0), cells_wide - 1)
        left = (column * column_stride)[None, :]
        right = (tl.minimum(column + 1, cells_wide - 1) * column_stride)[None, :]
        begin = tl.load(column_starts + column)[:, None]
        end = tl.load(column_starts + tl.minimum(j + after, cells_wide))[:, None]
        for offset in range(0, longest, beside):
            x = begin + offset + tl.arange(0, beside)[None, :]  # (cells, beside)
            near = (x < end) & (j < cells_wide)[:, None]
            along = tl.load(column_weight + x, mask=near, other=0)
            # the last cell is on both sides of the pixels behind it
            column_share = tl.where((j == cells_wide - 1)[:, None], 1, 1 - along) if after == 1 else along
            for below in tl.static_range(2):
                row = tl.maximum(k - 1 + below, 0)
                upper = _corners(first + row * row_stride, left, right, along)
                lower = _corners(first + tl.minimum(row + 1, cells_high - 1) * row_stride, left, right, along)
                for y in range(tl.load(row_starts + row), tl.load(row_starts + k + below)):
                    down = tl.load(row_weight + y)
                    row_share = tl.where(k == cells_high - 1, 1, 1 - down) if below == 1 else down
                    pixel = (image * height + y) * width + x
                    label = tl.load(labels + pixel, mask=near, other=0).to(tl.int32)
                    hit = tl.load(hit_table + label, mask=near, other=0)
                    valid = tl.load(valid_table + label, mask=near, other=0)
                    total = tl.load(log_total + pixel, mask=near, other=float("inf"))
                    p = tl.exp(blend(upper, lower, down) - total[None, :, :])  # (together, cells, beside)
                    wanted = spread * valid[None, :, :] + tl.where(label[None, :, :] == own, hit[None, :, :], 0)
                    slope = p * (hit + valid * spread_all)[None, :, :] - wanted
                    found += slope * (column_share * row_share)[None, :, :]
    place = (c.to(tl.int64) * class_step)[:, None] + (j * column_step)[None, :]
    gradient += image * image_step + k * row_step
    tl.store(gradient + place, tl.sum(found, 2), mask=(c < classes)[:, None] & (j < cells_wide)[None, :])


@triton.jit
def _corners(row, left, right, weight):
    """Interpolate a coarse row of some classes along the columns: (classes, cells, adjacent pixels)."""
    first, second = tl.load(row + left).to(tl.float32), tl.load(row + right).to(tl.float32)
    return blend(first[:, :, None], second[:, :, None], weight[None, :, :])
