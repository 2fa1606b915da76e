"""Confusion counts on a GPU. Not run on a GPU yet: tested in Triton's interpreter, and compiled for CUDA."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disable-error-code=untyped-decorator
# (Triton looks every name in a kernel up, those of types too)

import torch
import triton
import triton.language as tl
from torch import Tensor

from sceneseg.kernels._triton import launch

PIXELS = 4096  # of one program


def count_pairs_by_runs(labels: Tensor, prediction: Tensor) -> Tensor:
    """Count every pair of values, two (N,) uint8 -> (256, 256) int64.

    Where a run of equal pairs ends, the pixel's number is added to the pair's count, and where it begins, subtracted:
    within an object there is nothing to add, and thousands of pixels don't queue up for one number. Integers add up
    to the same in any order.
    """
    pairs = torch.zeros(256 * 256, dtype=torch.int64, device=labels.device)
    if labels.numel():
        programs = triton.cdiv(labels.numel(), PIXELS)
        launch(_count_runs, (programs,), labels, prediction, pairs, labels.numel(), pixels=PIXELS, num_warps=8)
    return pairs.view(256, 256)


@triton.jit
def _count_runs(labels, prediction, pairs, size, pixels: tl.constexpr):
    number = tl.arange(0, pixels)
    place = tl.program_id(0).to(tl.int64) * pixels + number
    inside = place < size
    pair = _pairs(labels, prediction, place, inside)
    before = _pairs(labels, prediction, place - 1, inside & (number > 0))
    after = _pairs(labels, prediction, place + 1, (place + 1 < size) & (number + 1 < pixels))
    end = tl.where(inside & (after != pair), number + 1, 0)
    start = tl.where(inside & (before != pair), number, 0)
    tl.atomic_add(pairs + pair, (end - start).to(tl.int64), mask=inside & (end != start), sem="relaxed")


@triton.jit
def _pairs(labels, prediction, place, inside):
    truth = tl.load(labels + place, mask=inside, other=0).to(tl.int32)
    guess = tl.load(prediction + place, mask=inside, other=0).to(tl.int32)
    return tl.where(inside, truth * 256 + guess, -1)
