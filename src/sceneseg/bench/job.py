"""Job of one measuring process, and its answer."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sceneseg.bench.record import Memory
from sceneseg.errors import ModelError
from sceneseg.plain import as_record


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
    def from_line(cls, line: str) -> "Job":
        """Read what `to_line` wrote."""
        job: Job = as_record(cls, json.loads(line))
        return job

    def to_line(self) -> str:
        """Return the job as a line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    def file(self, content: str) -> Path:
        """Return the exported file with that content.

        Raises:
            ModelError: The model couldn't be exported.
        """
        if content not in self.candidate.files:
            raise ModelError(self.candidate.not_exported or f"there is no exported {content} file")
        return Path(self.candidate.files[content])


@dataclass(frozen=True)
class Loaded:
    """Times of loading a candidate and of its first prediction.

    Args:
        imported: When the engine was imported, by a clock that all processes share, in seconds.
        load_s: Seconds of loading.
        first_s: Seconds of the first prediction.
        memory: Up to its end.
    """

    imported: float
    load_s: float
    first_s: float
    memory: Memory


@dataclass(frozen=True)
class Answer:
    """Answer of a measuring process to a line: one of these.

    Args:
        loaded: To the job.
        seconds: To a call; what it took.
        error: To either, if it failed.
    """

    loaded: Loaded | None = None
    seconds: float | None = None
    error: str | None = None

    @classmethod
    def from_line(cls, line: str) -> "Answer":
        """Read what `to_line` wrote.

        Raises:
            ValueError: It is something else.

        Example:
            >>> Answer.from_line(Answer(seconds=0.5).to_line()).seconds
            0.5
        """
        answer: Answer = as_record(cls, json.loads(line))
        return answer

    def to_line(self) -> str:
        """Return the answer as a line of JSON."""
        return json.dumps(dataclasses.asdict(self))
