"""Bilinear interpolation: between which coarse cells output pixels lie, and the blending itself."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sceneseg.arrays import ImageSize

Extent = tuple[float, float]
"""(height, width) in output pixels; fractional where a network saw an image of another size."""


class Axis(NamedTuple):
    """One axis of the output: pixel i is ``(1 - weight[i]) * coarse[low[i]] + weight[i] * coarse[high[i]]``.

    `low` never falls, so the pixels between the coarse cells k and k + 1 are ``starts[k]:starts[k + 1]``.
    """

    low: npt.NDArray[np.intp]
    high: npt.NDArray[np.intp]
    weight: npt.NDArray[np.floating[Any]]
    starts: npt.NDArray[np.intp]


def axes(
    cells: ImageSize, size: ImageSize, extent: Extent, align_corners: bool, number: type[np.floating[Any]]
) -> tuple[Axis, Axis]:
    """Return the output's rows and columns.

    Args:
        cells: (h, w) of the coarse grid.
        size: (H, W) of the output.
        extent: How many output pixels the grid covers, at least `size`.
        align_corners: Whether the outer pixels lie on the centers of the outer cells, as in
            `torch.nn.functional.interpolate`.
        number: float32 rounds as torch's float32 interpolation does, float64 as its float64 one.
    """
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
