"""Where and with what a number was made: the facts stored beside every score and every speed."""

import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from sceneseg.errors import MissingPackageError
from sceneseg.version import __version__

PACKAGES = (
    "torch",
    "numpy",
    "timm",
    "lightning-fabric",
    "opencv-python-headless",
    "numba",
    "safetensors",
    "onnxruntime",
    "openvino",
)


def environment() -> dict[str, Any]:
    """Return machine, versions and the command line as plain data."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command_line(),
        "sceneseg": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30, 1),
        "packages": {name: _version(name) for name in PACKAGES},
        **_torch_facts(),
    }


def import_openvino() -> Any:
    """Import OpenVINO; nothing of sceneseg imports it otherwise.

    The package reports each import and conversion to its makers, unasked. Without its module for that, which it
    treats as optional, it doesn't.

    Raises:
        MissingPackageError: It isn't installed.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # importing it now fails
    try:
        return import_module("openvino")
    except ImportError:
        raise MissingPackageError("openvino") from None


def import_onnxruntime(module: str = "onnxruntime") -> Any:
    """Import ONNX Runtime, or a module of it; nothing of sceneseg but the standalone runner imports it otherwise.

    The package looks up its maker's telemetry host some seconds after a session was created. Only the environment
    variable keeps it from that, and only if it is set before the import.

    Raises:
        MissingPackageError: It isn't installed.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise
        raise MissingPackageError("onnxruntime") from None


def command_line() -> str:
    """Return the command as it was typed, with the program's short name."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _torch_facts() -> dict[str, Any]:
    if "torch" not in sys.modules:
        return {"gpu": None}
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"gpu": gpu, "threads": torch.get_num_threads()}
