"""Peak memory of a call and of a process."""

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
MIB = 2**20


def peak_growth(call: Callable[[], object], device: "torch.device | str" = "cpu") -> float | None:
    """Return by how many MiB memory grows at the peak of a call, above what lies there before.

    On a GPU that is what torch allocates there. On a CPU it is the process's resident memory, which only Linux
    can tell; freed blocks are given back before, so that the call can't hide in them.

    Args:
        call: What is measured, after a first call has loaded what stays.
        device: Where the call computes.

    Returns:
        MiB, or None where the system doesn't say.
    """
    gc.collect()
    if str(device).startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        torch.cuda.synchronize(device)
        return round((torch.cuda.max_memory_allocated(device) - before) / MIB, 1)
    _give_back()
    try:
        CLEAR.write_text("5")  # Linux: let the peak begin anew
    except OSError:
        return None
    start = resident("VmRSS")
    call()
    peak = resident("VmHWM")
    return None if start is None or peak is None else round(max(peak - start, 0.0), 1)


def resident(what: str = "VmRSS") -> float | None:
    """Return this process's resident memory in MiB: now (VmRSS) or at its peak (VmHWM); None outside Linux."""
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(what + ":")), None)


def _give_back() -> None:
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        return
