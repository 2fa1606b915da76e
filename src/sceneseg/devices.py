"""Devices, precision and processes: the choice behind `auto`, and what several processes tell each other."""

import ctypes
import os
import shutil
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

from sceneseg.errors import ConfigError, MissingPackageError, did_you_mean

ENGINES = ("auto", "torch", "openvino")
"""What can compute a network's logits; auto is the fastest that is here."""

T = TypeVar("T")
NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "Cannot allocate memory")


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
        raise ConfigError(
            f'There is no device "{device}" here. Found: {found}. Choose one of these, or auto.', field="device"
        )
    return device


def resolve_precision(precision: str, device: str) -> str:
    """Return bf16-mixed for `auto` where the device computes it in hardware, otherwise 32-true."""
    if precision != "auto":
        return precision
    if device == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
    return "bf16-mixed" if device == "cpu" and torch.cpu._is_avx512_bf16_supported() else "32-true"


def resolve_engine(engine: str, device: str) -> str:
    """Return openvino for `auto` on a CPU where it is installed, otherwise torch; else the engine itself.

    Raises:
        ConfigError: It isn't installed, or doesn't compute on that device.
    """
    installed = find_spec("openvino") is not None
    if engine == "auto":
        return "openvino" if device == "cpu" and installed else "torch"
    if engine not in ENGINES:
        raise ConfigError(
            f'There is no engine "{engine}".{did_you_mean(engine, ENGINES)} Known: {", ".join(ENGINES)}.',
            field="engine",
        )
    if engine == "openvino" and device != "cpu":
        raise ConfigError(
            f"OpenVINO computes on the CPU here, the model lies on {device}. Choose the device cpu.", field="device"
        )
    if engine == "openvino" and not installed:
        raise MissingPackageError("openvino")
    return engine


def check_compiler() -> None:
    """Look for the C++ compiler that PyTorch's compiler hands its code to.

    Raises:
        ConfigError: There is none.
    """
    names = [os.environ.get("CXX", ""), "g++", "clang++", "c++", "cl"]
    if not any(name and shutil.which(name) for name in names):
        raise ConfigError(
            "Compiling needs a C++ compiler, and none of g++, clang++ and CXX is here. Install one (apt install g++), "
            "or leave train.compile out.",
            field="train.compile",
        )


def keep_freed_memory() -> None:
    """Make glibc keep large freed blocks for the next tensor instead of returning their pages to the system.

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


def keep_in_float32(network: nn.Module) -> None:
    """Compute convolutions in float32 on a CPU where oneDNN can't do them, or is slow, in bfloat16.

    - Dilated ones: their weight gradient (channels_last) has NaN in it, always for 25 channels (ESPNet), now and then
      for a grouped one of 384 (FastFCN).
    - Grouped ones with a stride: their gradient takes 2 to 8 times as long (Fast-SCNN, 8 x 192 x 384, 2 threads: 46
      against 11 ms of a step).

    Seen with PyTorch 2.13 on a processor with AVX-512 bfloat16.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and (max(module.dilation) > 1 or (module.groups > 1 < max(module.stride))):
            module.forward = partial(_in_float32, module.forward)  # type: ignore[method-assign]


def _in_float32(forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.autocast("cpu", enabled=False):
        return forward(x.float()).to(x.dtype)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the device or the machine ran out of memory."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(words in str(error) for words in NO_MEMORY)


def processes() -> tuple[int, int]:
    """Return the number of this process and how many there are."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def gather(part: T) -> list[T]:
    """Return the parts of all processes, in their order, in each of them."""
    _, world = processes()
    if world == 1:
        return [part]
    parts: list[T | None] = [None] * world
    distributed.all_gather_object(parts, part)
    return parts  # type: ignore[return-value]


def sum_over_processes(numbers: Tensor) -> Tensor:
    """Return the sum of the processes' tensors, where they are."""
    if processes()[1] == 1:
        return numbers
    total = numbers.clone()
    if distributed.get_backend() == "nccl":  # which knows tensors on GPUs alone
        total = total.cuda()
    distributed.all_reduce(total)
    return total.to(numbers.device)


def any_process(here: bool) -> bool:
    """Return whether something is so in any of the processes; each of them must ask."""
    return bool(sum_over_processes(torch.tensor(int(here))) > 0)


def share_buffers(module: nn.Module) -> None:
    """Give every process the first one's buffers (the statistics of BatchNorm)."""
    if processes()[1] > 1:
        for buffer in module.buffers():
            distributed.broadcast(buffer, 0)
