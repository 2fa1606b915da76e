"""Environment of a measurement: the facts stored with every score and every speed."""

import os
import platform
import shlex
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from sceneseg.errors import MissingPackageError, RunError
from sceneseg.plain import UnfitError, as_known_record
from sceneseg.records.run_directory import read_json
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


@dataclass(frozen=True)
class Environment:
    """Machine, versions and the command line: stored with every score and every speed.

    Args:
        created: Date and time with its zone, ISO 8601.
        command: The command line as it was typed.
        sceneseg: Version.
        python: Version.
        platform: Operating system and its version.
        cpu: Name of the processor.
        cores: Their number.
        memory_gb: Memory of the machine, GiB.
        packages: Version of each package that numbers depend on; None where it isn't installed.
        gpu: Name of the GPU; None without one.
        threads: Of PyTorch on the CPU; None where PyTorch wasn't used.

    Example:
        >>> environment().sceneseg == __version__
        True
    """

    created: str | None = None
    command: str | None = None
    sceneseg: str | None = None
    python: str | None = None
    platform: str | None = None
    cpu: str | None = None
    cores: int | None = None
    memory_gb: float | None = None
    packages: dict[str, str | None] = field(default_factory=dict)
    gpu: str | None = None
    threads: int | None = None

    def to_dict(self) -> dict[str, object]:
        """Return it as it stands in a file."""
        plain = asdict(self)
        return plain if self.threads is not None else {k: v for k, v in plain.items() if k != "threads"}


def environment() -> Environment:
    """Return the environment of this process."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    gpu, threads = _torch_facts()
    return Environment(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command_line(),
        sceneseg=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=_cpu_name(),
        cores=os.cpu_count(),
        memory_gb=round(memory / 2**30, 1),
        packages={name: _version(name) for name in PACKAGES},
        gpu=gpu,
        threads=threads,
    )


def read_environment(path: Path) -> Environment:
    """Read environment.json; facts that a version doesn't have are None, and those of a later version are left out.

    Raises:
        RunError: The file is missing, or holds something else.
    """
    data = read_json(path)
    try:
        found: Environment = as_known_record(Environment, data)
    except UnfitError as error:
        raise RunError(f"{path}: expected where and with what a run was made; {error}.") from None
    return found


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


def _torch_facts() -> tuple[str | None, int | None]:
    """Return the GPU and the number of threads."""
    if "torch" not in sys.modules:
        return None, None
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return gpu, torch.get_num_threads()
