"""Axes on the device and interpolation for the Triton kernels. To be imported only where Triton is installed."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disable-error-code=untyped-decorator
# (Triton looks every name in a kernel up, those of types too)

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from sceneseg.kernels.interpolation import Axis


def launch(kernel: Any, grid: tuple[int, ...], tensor: Tensor, *arguments: Any, **constants: int) -> None:
    """Start a kernel on the tensor's device.

    It rounds as it is written: the fused instructions that it wants it asks for (`blend`).
    """
    with torch.cuda.device_of(tensor):  # type: ignore[no-untyped-call]
        kernel[grid](tensor, *arguments, **constants, enable_fp_fusion=False)


class Line(NamedTuple):
    """An axis as kernels need it, on the device."""

    low: Tensor  # (pixels,) int32
    weight: Tensor  # (pixels,) float32
    starts: Tensor  # (cells + 1,) int32
    longest: int  # the most pixels between two cells


def place(axis: Axis, device: torch.device) -> Line:
    """Bring an axis to a device."""
    return _place(_Same(axis), device)


class _Same:
    """An axis that equals only itself: `_grid` keeps those of recent sizes, so that the device can, too."""

    def __init__(self, axis: Axis) -> None:
        self.axis = axis

    def __hash__(self) -> int:
        return id(self.axis.low)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.axis.low is other.axis.low


@lru_cache(maxsize=64)
def _place(same: _Same, device: torch.device) -> Line:
    axis = same.axis
    low, starts = (torch.from_numpy(index.astype(np.int32)).to(device) for index in (axis.low, axis.starts))
    weight = torch.from_numpy(axis.weight.astype(np.float32)).to(device)
    return Line(low, weight, starts, int(np.diff(axis.starts).max()))


@triton.jit
def blend(first, second, weight):
    """Return ``(1 - weight) * first + weight * second``, the second product unrounded by the sum."""
    return tl.fma(first, 1 - weight, second * weight)


@triton.jit
def blend_columns(row, left, right, weight):
    """Interpolate between the places `left` and `right` of a coarse row."""
    return blend(tl.load(row + left).to(tl.float32), tl.load(row + right).to(tl.float32), weight)
