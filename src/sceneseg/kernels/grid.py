"""What the kernels of the last step share: where output pixels lie between coarse cells, threads, compilation."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.arrays import ImageSize
from sceneseg.errors import ModelError

T = TypeVar("T")
Covered = tuple[float, float]

ROWS_PER_TASK = 16  # coarse rows; fixed, so that sums don't depend on the number of threads


class Axis(NamedTuple):
    """One axis of the output: pixel i is ``(1 - weight[i]) * coarse[low[i]] + weight[i] * coarse[high[i]]``.

    `low` never falls, so the pixels between the coarse cells k and k + 1 are ``starts[k]:starts[k + 1]``.
    """

    low: npt.NDArray[np.intp]
    high: npt.NDArray[np.intp]
    weight: npt.NDArray[np.floating[Any]]
    starts: npt.NDArray[np.intp]


def axes(
    coarse: Tensor, size: ImageSize, covered: Covered | None, align_corners: bool, number: type[np.floating[Any]]
) -> tuple[Axis, Axis]:
    """Return the output's rows and columns.

    Args:
        coarse: (B, C, h, w).
        size: The output's (H, W).
        covered: How many output pixels the coarse logits cover; `size` when None.
        align_corners: Whether the outer pixels lie on the centers of the outer cells, as torch has it.
        number: float32 rounds as torch's float32 interpolation does, float64 as its float64 one.

    Raises:
        ModelError: The logits don't have four dimensions, or `size` is larger than what they cover.
    """
    if coarse.ndim != 4:
        raise ModelError(f"Expected coarse logits (B, C, h, w), found {coarse.ndim} dimensions.")
    extent = covered or size
    if size[0] > math.ceil(extent[0]) or size[1] > math.ceil(extent[1]):
        raise ModelError(
            f"The logits cover {extent[0]:g} x {extent[1]:g} pixels, but {size[0]} x {size[1]} are wanted. "
            f"Give covered=(height, width) of the padded image in output pixels."
        )
    cells = coarse.shape[-2:]
    rows, columns = (_axis(cells[i], size[i], extent[i], align_corners, number) for i in (0, 1))  # type: ignore[arg-type]
    return rows, columns


@lru_cache(maxsize=64)  # sizes recur, and NumPy takes as long for an axis as a GPU does for the rest
def _axis(cells: int, pixels: int, extent: float, align_corners: bool, number: type[np.floating[Any]]) -> Axis:
    pixel = np.arange(pixels).astype(number)
    if align_corners:
        position = pixel * (number(cells - 1) / number(max(extent - 1, 1)))
    else:
        # torch's compilers fuse the product and the difference into one rounding; float64 imitates that for float32.
        scale = np.float64(number(cells) / number(extent))
        position = np.maximum((pixel + number(0.5)) * scale - 0.5, 0).astype(number)
    low = np.minimum(position.astype(np.intp), cells - 1)
    weight = np.clip(position - low.astype(number), 0, 1)
    return Axis(low, np.minimum(low + 1, cells - 1), weight, np.searchsorted(low, np.arange(cells + 1)))


class Taps(NamedTuple):
    """An axis as torch needs it: from which two cells a pixel is blended, and the second one's share."""

    low: Tensor
    high: Tensor
    weight: Tensor

    @classmethod
    def of(cls, axis: Axis, like: Tensor) -> "Taps":
        """Bring an axis to a tensor's device and type."""
        low, high = (torch.from_numpy(index).to(like.device) for index in (axis.low, axis.high))
        return cls(low, high, torch.from_numpy(axis.weight).to(like))

    def part(self, first: int, last: int, cell: int) -> "Taps":
        """Return the pixels first..last-1, with their cells counted from `cell`."""
        return Taps(self.low[first:last] - cell, self.high[first:last] - cell, self.weight[first:last])


def upsample(coarse: Tensor, size: ImageSize, covered: Covered | None, align_corners: bool) -> Tensor:
    """Interpolate (B, C, h, w) bilinearly to (B, C, H, W), in the logits' own precision; differentiable."""
    number = np.float64 if coarse.dtype == torch.float64 else np.float32
    rows, columns = axes(coarse, size, covered, align_corners, number)
    height, width = covered or size
    if float(height).is_integer() and float(width).is_integer():
        whole = F.interpolate(coarse, (int(height), int(width)), mode="bilinear", align_corners=align_corners)
        return whole[..., : size[0], : size[1]]
    return blend_rows(blend_columns(coarse, Taps.of(columns, coarse)), Taps.of(rows, coarse))


def blend_rows(x: Tensor, taps: Taps) -> Tensor:
    """Interpolate (B, C, cells, W) to (B, C, pixels, W)."""
    return torch.lerp(x.index_select(2, taps.low), x.index_select(2, taps.high), taps.weight.unsqueeze(1))


def blend_columns(x: Tensor, taps: Taps) -> Tensor:
    """Interpolate (B, C, H, cells) to (B, C, H, pixels)."""
    return torch.lerp(x.index_select(3, taps.low), x.index_select(3, taps.high), taps.weight)


def blend_rows_back(gradient: Tensor, taps: Taps, cells: int) -> Tensor:
    """Bring a gradient (B, C, pixels, W) back to (B, C, cells, W): `blend_rows`, transposed."""
    back = gradient.new_zeros((*gradient.shape[:2], cells, gradient.shape[3]))
    high = gradient * taps.weight.unsqueeze(1)
    return back.index_add_(2, taps.high, high).index_add_(2, taps.low, torch.sub(gradient, high, out=high))


def blend_columns_back(gradient: Tensor, taps: Taps, cells: int) -> Tensor:
    """Bring a gradient (B, C, H, pixels) back to (B, C, H, cells): `blend_columns`, transposed."""
    back = gradient.new_zeros((*gradient.shape[:3], cells))
    high = gradient * taps.weight
    return back.index_add_(3, taps.high, high).index_add_(3, taps.low, torch.sub(gradient, high, out=high))


def runs_triton(x: Tensor) -> bool:
    """Return whether Triton can work on a tensor: one on a GPU, not of double precision, with Triton installed."""
    return x.device.type == "cuda" and x.dtype != torch.float64 and _has_triton()


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None  # it comes with torch's CUDA builds for Linux; other systems may lack it


def run_in_threads(task: Callable[[int], T], count: int) -> list[T]:
    """Run ``task(0)`` to ``task(count - 1)`` on as many threads as torch may use; return the results in order."""
    threads = min(torch.get_num_threads(), count)
    if threads <= 1:
        return [task(i) for i in range(count)]
    with ThreadPoolExecutor(threads) as pool:  # a pool that outlives the call would hang a forked data loader
        return list(pool.map(task, range(count)))


class Lazy:
    """A function that Numba compiles when it is first needed, so that importing its file doesn't import Numba.

    Other compiled functions can call it by its global name.

    Args:
        make: Returns the compiled function.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    @cached_property
    def _compiled(self) -> Any:
        return self._make()

    @property
    def _numba_type_(self) -> Any:  # where Numba looks up what a global it doesn't know is
        return self._compiled._numba_type_

    def __call__(self, *arguments: Any) -> Any:
        """Call the compiled function."""
        return self._compiled(*arguments)


def compiled(function: Callable[..., Any]) -> Lazy:
    """Compile with every rounding as written."""
    return Lazy(lambda: _njit(function))


def contracted(function: Callable[..., Any]) -> Lazy:
    """Compile so that a product and a sum may become one fused, more exact, instruction."""
    return Lazy(lambda: _njit(function, fastmath={"contract"}))


def _njit(function: Callable[..., Any], **options: Any) -> Any:
    from numba import njit

    return njit(cache=True, nogil=True, **options)(function)
