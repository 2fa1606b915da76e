"""Argmax of upsampled logits on a GPU. Not run on a GPU yet: tested in Triton's interpreter, compiled for CUDA."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disable-error-code=untyped-decorator
# (Triton looks every name in a kernel up, those of types too)

import torch
import triton
import triton.language as tl
from torch import Tensor

from sceneseg.kernels._triton import blend, blend_columns, launch, place
from sceneseg.kernels.interpolation import Axis

PIXELS = 1024  # of one program at a time
MOST_ROWS = 8


def upsample_argmax_in_registers(coarse: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Label tiles of the output, each between two coarse rows; what is read are coarse logits, written only classes.

    Args:
        coarse: (B, C, h, w) float32, bfloat16 or float16, of any memory layout; interpolated in float32.
        rows: The output's rows.
        columns: The output's columns.

    Returns:
        (B, H, W) uint8.
    """
    batch, classes, cells_high, cells_wide = coarse.shape
    down, along = place(rows, coarse.device), place(columns, coarse.device)
    height, width = len(down.low), len(along.low)
    labels = torch.empty((batch, height, width), dtype=torch.uint8, device=coarse.device)
    high = min(triton.next_power_of_2(down.longest), MOST_ROWS)
    wide = min(PIXELS // high, triton.next_power_of_2(width))
    launch(
        _label_tile,
        (triton.cdiv(width, wide), cells_high, batch),
        coarse,
        *coarse.stride(),
        down.starts,
        down.weight,
        along.low,
        along.weight,
        labels,
        classes,
        cells_high,
        cells_wide,
        height,
        width,
        high=high,
        wide=wide,
    )
    return labels


@triton.jit
def _label_tile(
    coarse,
    image_stride,
    class_stride,
    row_stride,
    column_stride,
    row_starts,
    row_weight,
    column_low,
    column_weight,
    labels,
    classes,
    cells_high,
    cells_wide,
    height,
    width,
    high: tl.constexpr,
    wide: tl.constexpr,
):
    """Label `wide` columns of the pixels from one coarse row down to the next."""
    cell, image = tl.program_id(1).to(tl.int64), tl.program_id(2).to(tl.int64)
    x = tl.program_id(0) * wide + tl.arange(0, wide)
    left = tl.load(column_low + x, mask=x < width, other=0)
    right = tl.minimum(left + 1, cells_wide - 1)
    along = tl.load(column_weight + x, mask=x < width, other=0)
    first = coarse + image * image_stride
    stop = tl.load(row_starts + cell + 1)
    for top in range(tl.load(row_starts + cell), stop, high):
        y = top + tl.arange(0, high)
        down = tl.load(row_weight + y, mask=y < stop, other=0)[:, None]
        best = tl.full((high, wide), float("-inf"), tl.float32)
        winner = tl.zeros((high, wide), tl.int32)
        upper_row, lower_row = first + cell * row_stride, first + tl.minimum(cell + 1, cells_high - 1) * row_stride
        for c in range(0, classes):
            upper = blend_columns(upper_row, left * column_stride, right * column_stride, along)
            lower = blend_columns(lower_row, left * column_stride, right * column_stride, along)
            logit = blend(upper[None, :], lower[None, :], down)
            winner = tl.where(logit > best, c, winner)
            best = tl.maximum(logit, best)
            upper_row += class_stride
            lower_row += class_stride
        pixel = (image * height + y)[:, None] * width + x[None, :]
        tl.store(labels + pixel, winner.to(tl.uint8), mask=(y < stop)[:, None] & (x < width)[None, :])
