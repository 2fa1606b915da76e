"""Devices and precision: the choice behind `auto`."""

import ctypes

import torch

from sceneseg.errors import ConfigError


def resolve_device(device: str) -> str:
    """Return cuda, mps or cpu for `auto`, else the device itself.

    Raises:
        ConfigError: It isn't there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, available in there.items() if available)
    if not there.get(device, False):
        found = ", ".join(name for name, available in there.items() if available)
        raise ConfigError(f'There is no device "{device}" here. Found: {found}. Choose with --train.device auto.')
    return device


def resolve_precision(precision: str, device: str) -> str:
    """Return bf16-mixed for `auto` where the device computes it in hardware, otherwise 32-true."""
    if precision != "auto":
        return precision
    if device == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
    return "bf16-mixed" if device == "cpu" and torch.cpu._is_avx512_bf16_supported() else "32-true"


def keep_freed_memory() -> None:
    """Let glibc keep large freed blocks for the next tensor instead of giving their pages back to the system.

    A training step on a CPU frees and asks for the same hundreds of megabytes again and again; faulting them in anew
    took a fifth of an fp32 step of Fast-SCNN (386 against 480 ms, 8 x 352 x 480, 2 threads). Elsewhere than on
    Linux with glibc this does nothing.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return
    mmap_threshold, trim_threshold = -3, -1  # names in malloc.h: M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
    libc.mallopt(mmap_threshold, 2**30)
    libc.mallopt(trim_threshold, 2**31 - 1)
