"""Ways to run kernels: compiled by Numba when they are first needed, in threads on a CPU, by Triton on a GPU."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from importlib.util import find_spec
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

ROWS_PER_TASK = 16  # coarse rows; fixed, so that sums don't depend on the number of threads


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
