"""Base class of the engines: loaded once, then asked for predictions and for the network alone. No torch in here."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, ClassVar

from sceneseg.arrays import ImageArray
from sceneseg.bench.job import Job


class Engine(ABC):
    """Loads a model; the constructor's time is the loading time.

    Args:
        job: What to load, and for which device and how many threads.
    """

    package: ClassVar[str] = "torch"
    """What must be installed."""
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
    """Where it computes."""
    file: ClassVar[str | None] = None
    """Which exported file it reads: "onnxruntime/fp32", "openvino/int8", ...; None when it reads the weights."""

    @abstractmethod
    def __init__(self, job: Job) -> None: ...

    @abstractmethod
    def predict(self, images: ImageArray) -> ImageArray:
        """Return the labels (B, H, W) uint8 for images (B, H, W, 3) uint8, both in the computer's memory."""

    @abstractmethod
    def network(self, images: ImageArray) -> Callable[[], Any]:
        """Return a call that computes coarse logits from an input which lies ready, in the form the engine takes."""

    def time(self, call: Callable[[], Any]) -> float:
        """Return the seconds on the clock until a call's result is there, in the computer's memory."""
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    def time_network(self, call: Callable[[], Any]) -> float:
        """Return the seconds of a call that `network` gave, whose result stays where it is."""
        return self.time(call)

    def memory(self) -> float | None:
        """Return the peak of the memory taken on a GPU so far, MiB; None on the CPU."""
        return None

    @classmethod
    def missing(cls, device: str) -> str | None:
        """Return why the engine can't compute here, or None when it can."""
        if device not in cls.devices:
            return f"computes on {' and '.join(cls.devices)} only"
        if find_spec(cls.package) is None:
            return f"{cls.package} isn't installed (pip install {cls.package})"
        return None
