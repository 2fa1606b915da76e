"""Argmax of upsampled logits: from coarse logits to the class of every pixel, without full-size logits."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sceneseg.arrays import FloatArray, LabelArray
from sceneseg.errors import ModelError
from sceneseg.kernels.compilation import ROWS_PER_TASK, Lazy, compiled, run_in_threads, runs_triton
from sceneseg.kernels.interpolation import Axis, Taps, blend_columns, blend_rows

Winners = npt.NDArray[np.int16]
Indices = npt.NDArray[np.intp]

UNSURE = -1
ROUNDING = np.float32(1e-6)  # more than interpolation can lose of a logit: a few roundings of 6e-8
TINY = np.float32(1e-30)
LOWEST = np.finfo(np.float32).min


def upsample_argmax(coarse: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Return the class of every pixel: the first maximum of the bilinearly upsampled logits.

    Args:
        coarse: Finite logits (B, C, h, w) of any floating type and memory layout, C <= 255.
        rows: The output's rows, in float32.
        columns: The output's columns, in float32.

    Returns:
        (B, H, W) uint8, see `sceneseg.kernels.grid.CoarseLogits.argmax`.

    Raises:
        ModelError: More than 255 classes.
    """
    if coarse.shape[1] > 255:
        raise ModelError(f"A prediction is stored as uint8: expected at most 255 classes, found {coarse.shape[1]}.")
    coarse = coarse.detach()
    if runs_triton(coarse):
        from sceneseg.kernels.upsample_argmax_triton import upsample_argmax_in_registers

        return upsample_argmax_in_registers(coarse, rows, columns)
    coarse = coarse.float().contiguous()
    if coarse.device.type == "cpu":
        return upsample_argmax_in_blocks(coarse, rows, columns)
    return upsample_argmax_reference(coarse, rows, columns)


def upsample_argmax_reference(coarse: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Upsample, then take the maximum; any device."""
    wide = blend_columns(coarse, Taps.of(columns, coarse))
    return blend_rows(wide, Taps.of(rows, coarse)).argmax(1).to(torch.uint8)


def upsample_argmax_in_blocks(coarse: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Decide whole blocks at once where that is possible; CPU.

    The pixels between four coarse cells are convex combinations of them: a class that wins at all four wins at
    every pixel between. Only the other blocks, those along the borders of regions, are computed pixel by pixel.
    """
    prediction = torch.empty((coarse.shape[0], rows.low.size, columns.low.size), dtype=torch.uint8)
    logits, labels = coarse.numpy(), prediction.numpy()
    tasks = [(b, k) for b in range(coarse.shape[0]) for k in range(0, coarse.shape[2], ROWS_PER_TASK)]

    def label_strip(task: int) -> None:
        b, first = tasks[task]
        _label_strip(logits[b], first, min(first + ROWS_PER_TASK, logits.shape[2]), rows, columns, labels[b])

    run_in_threads(label_strip, len(tasks))
    return prediction


@compiled
def _label_strip(coarse: FloatArray, first: int, last: int, rows: Axis, columns: Axis, labels: LabelArray) -> None:
    """Label the pixels below the coarse rows first..last-1, each down to the next coarse row."""
    cells, width = coarse.shape[1:]
    above, below = np.empty(width, np.int16), np.empty(width, np.int16)
    hard = np.empty(width, np.intp)
    pixels = np.diff(rows.starts).max() * np.diff(columns.starts).max()
    best, winner = np.empty(pixels, np.float32), np.empty(pixels, np.int32)
    down, along = np.empty(pixels, np.float32), np.empty(pixels, np.float32)
    _find_winners(coarse, first, above)
    for k in range(first, last):
        _find_winners(coarse, min(k + 1, cells - 1), below)
        band = labels[rows.starts[k] : rows.starts[k + 1]]
        if band.size:
            count = _fill_easy_blocks(above, below, columns, band, hard)
            _label_hard_blocks(coarse, k, hard[:count], rows, columns, band, best, winner, down, along)
        above, below = below, above


@compiled
def _find_winners(coarse: FloatArray, row: int, winner: Winners) -> None:
    """Find the class that wins at each cell of a row; UNSURE where a lower class comes within rounding of it.

    Higher classes may come as close as they like: rounding keeps the order of two numbers or makes them equal,
    and of equal ones the first wins.
    """
    width = coarse.shape[2]
    best, runner_up = coarse[0, row].copy(), np.full(width, LOWEST, np.float32)
    winner[:] = 0
    for c in range(1, coarse.shape[0]):
        logits = coarse[c, row]
        for x in range(width):
            wins = logits[x] > best[x]
            runner_up[x] = best[x] if wins else runner_up[x]
            best[x] = logits[x] if wins else best[x]
            winner[x] = np.int16(c) if wins else winner[x]
    for x in range(width):
        if best[x] - runner_up[x] <= ROUNDING * (abs(best[x]) + abs(runner_up[x])) + TINY:
            winner[x] = UNSURE


@compiled
def _fill_easy_blocks(above: Winners, below: Winners, columns: Axis, labels: LabelArray, hard: Indices) -> int:
    """Fill the blocks whose corners agree; write the others' numbers to `hard` and return how many there are."""
    count = 0
    for j in range(above.size):
        left, right = columns.starts[j], columns.starts[j + 1]
        if left == right:
            continue
        beside = min(j + 1, above.size - 1)
        winner = above[j]
        if winner != UNSURE and winner == above[beside] and winner == below[j] and winner == below[beside]:
            labels[0, left:right] = winner
        else:
            hard[count] = j
            count += 1
    for y in range(1, labels.shape[0]):
        labels[y] = labels[0]
    return count


@compiled
def _label_hard_blocks(
    coarse: FloatArray,
    k: int,
    hard: Indices,
    rows: Axis,
    columns: Axis,
    labels: LabelArray,
    best: FloatArray,
    winner: npt.NDArray[np.int32],
    down: FloatArray,
    along: FloatArray,
) -> None:
    """Label the pixels of blocks one by one, with torch's order of operations: first along the rows.

    A block's pixels lie in one long row of `best`, `winner` and the weights `down` and `along`, so that the loop
    over them is vectorized. A class whose highest corner is below another's lowest can't win and is left out.
    """
    down_weight, along_weight, starts = rows.weight[rows.starts[k] :], columns.weight, columns.starts
    below, one = min(k + 1, coarse.shape[1] - 1), np.float32(1)
    for j in hard:
        left, right, beside = starts[j], starts[j + 1], min(j + 1, coarse.shape[2] - 1)
        pixels = 0
        for y in range(labels.shape[0]):
            for x in range(left, right):
                down[pixels], along[pixels] = down_weight[y], along_weight[x]
                best[pixels], winner[pixels] = -np.inf, 0
                pixels += 1
        bar = np.float32(-np.inf)
        for c in range(coarse.shape[0]):
            a, b, d, e = coarse[c, k, j], coarse[c, k, beside], coarse[c, below, j], coarse[c, below, beside]
            bar = max(bar, min(min(a, b), min(d, e)))
        for c in range(coarse.shape[0]):
            a, b, d, e = coarse[c, k, j], coarse[c, k, beside], coarse[c, below, j], coarse[c, below, beside]
            highest = max(max(a, b), max(d, e))
            if highest < bar - ROUNDING * (abs(highest) + abs(bar)) - TINY:
                continue
            for i in range(pixels):
                upper = _multiply_add(a, one - along[i], b * along[i])
                lower = _multiply_add(d, one - along[i], e * along[i])
                logit = _multiply_add(upper, one - down[i], lower * down[i])
                wins = logit > best[i]
                best[i] = logit if wins else best[i]
                winner[i] = np.int32(c) if wins else winner[i]
        pixels = 0
        for y in range(labels.shape[0]):
            for x in range(left, right):
                labels[y, x] = winner[pixels]
                pixels += 1


@Lazy
def _multiply_add() -> Any:
    """Compile ``a * b + c`` with a single rounding, which is how torch's interpolation is built."""
    from numba import njit
    from numba.extending import intrinsic

    def multiply_add(_: Any, a: Any, b: Any, c: Any) -> Any:
        return a(a, b, c), lambda context, builder, signature, arguments: builder.fma(*arguments)

    fused: Any = intrinsic(multiply_add)
    return njit(lambda a, b, c: fused(a, b, c))
