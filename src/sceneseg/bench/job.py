"""Job of one measuring process, and its answer."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sceneseg.errors import ModelError


@dataclass(frozen=True)
class Candidate:
    """A model, and what computes it.

    Args:
        name: For tables; the model's name or the end of the run's path, unlike that of any other measured with it.
        engine: On the shelf `sceneseg.bench.engines`.
        weights: Run directory or weights file; None for an untrained model.
        model: Name and arguments of an untrained model.
        files: Exported files for the engines that read one: what it is ("openvino/int8",
            "openvino/int8_coarse", ...) -> path.
        not_exported: Why there are none.
        calibration: The images from which the int8 files learned their ranges.
    """

    name: str
    engine: str
    weights: str | None = None
    model: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    not_exported: str = ""
    calibration: str | None = None


@dataclass(frozen=True)
class Job:
    """A candidate, and the images that it predicts.

    Args:
        candidate: What is measured.
        images: File with the images, (B, H, W, 3) uint8 in NumPy's format.
        labels: File to which the worker writes the labels of its first prediction, (B, H, W) uint8.
        device: cpu or cuda.
        threads: Of the engine, on the CPU.
        allowed: Python files that the worker may run.
    """

    candidate: Candidate
    images: str
    labels: str
    device: str
    threads: int
    allowed: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Job":
        """Read what `dataclasses.asdict` made of a job."""
        return cls(**{**data, "candidate": Candidate(**data["candidate"])})

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return dataclasses.asdict(self)

    def file(self, content: str) -> Path:
        """Return the exported file with that content.

        Raises:
            ModelError: The model couldn't be exported.
        """
        if content not in self.candidate.files:
            raise ModelError(self.candidate.not_exported or f"there is no exported {content} file")
        return Path(self.candidate.files[content])
