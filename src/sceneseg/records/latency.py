"""The latencies of a comparison (`latency.json`): how long a prediction of each candidate takes, and where that was
measured.
"""

from dataclasses import asdict, dataclass, field

from sceneseg.arrays import ImageSize
from sceneseg.plain import UnfitError, as_known_record
from sceneseg.records.codec import read_record
from sceneseg.records.environment import Environment
from sceneseg.records.run_directory import ComparisonDirectory, write_json


@dataclass(frozen=True)
class Latency:
    """Repetitions of one prediction: from an image in memory to the class of every pixel.

    Args:
        p50_ms: Median milliseconds of wall time.
        p95_ms: 95 of 100 repetitions took at most that.
        peak_mib: Memory that a prediction needs in addition to the loaded model, MiB; None where it can't be measured.
        repetitions: How many were timed.
        p25_ms: A quarter of the repetitions took at most that; None in files of earlier versions.
        p75_ms: Three quarters took at most that; None in files of earlier versions.

    Example:
        >>> Latency(8.1, 9.0, p25_ms=8.0, p75_ms=8.3).p50_ms
        8.1
    """

    p50_ms: float
    p95_ms: float | None = None
    peak_mib: float | None = None
    repetitions: int | None = None
    p25_ms: float | None = None
    p75_ms: float | None = None


@dataclass(frozen=True)
class TimedWeights:
    """The weights of a candidate that was timed.

    Args:
        folder: Of its run, as it stands in the plan.
        sha256: Of the weights file.
    """

    folder: str
    sha256: str


@dataclass(frozen=True)
class LatencyRecord:
    """The latencies of the candidates, measured in turns.

    Args:
        size: (height, width) of the image that was predicted.
        repetitions: Timed predictions of each candidate.
        device: The device that was used, for example cpu or cuda:0.
        models: By the candidate's name.
        environment: Machine and versions.
        asked_device: The device that was asked for, for example auto; None in made-up files.
        weights: By the candidate's name.
        failed: Candidates that couldn't be timed, with the reason.
    """

    size: ImageSize
    repetitions: int
    device: str
    models: dict[str, Latency]
    environment: Environment
    asked_device: str | None = None
    weights: dict[str, TimedWeights] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def is_on_gpu(self) -> bool:
        """Whether predictions ran on a GPU."""
        return self.device.startswith("cuda")

    @property
    def machine(self) -> str | None:
        """The GPU or CPU that was used; None where it isn't known."""
        return (self.environment.gpu if self.is_on_gpu else self.environment.cpu) or None

    @property
    def threads(self) -> int | None:
        """Threads of the CPU; None on a GPU, or where it isn't known."""
        return None if self.is_on_gpu else self.environment.threads

    def answers(self, size: ImageSize, repetitions: int, device: str, weights: dict[str, TimedWeights]) -> bool:
        """Whether it is a measurement of these weights, of that size and with that many repetitions.

        Args:
            size: (height, width) of the image.
            repetitions: Timed predictions of each candidate.
            device: The device that is asked for.
            weights: By the candidate's name.
        """
        return (self.size, self.repetitions, self.asked_device, self.weights) == (size, repetitions, device, weights)

    def to_dict(self) -> dict[str, object]:
        """Return plain data, in the order of the file."""
        asked = {} if self.asked_device is None else {"asked_device": self.asked_device}
        return {
            "size": list(self.size),
            "repetitions": self.repetitions,
            **asked,
            "weights": {name: asdict(weights) for name, weights in self.weights.items()},
            "device": self.device,
            "models": {name: asdict(latency) for name, latency in self.models.items()},
            "failed": self.failed,
            "environment": self.environment.to_dict(),
        }


def read_latency(comparison: ComparisonDirectory) -> LatencyRecord | None:
    """Read the latencies of a comparison; None where none were measured.

    Raises:
        RunError: The file is damaged or of a newer version.
    """
    if not comparison.latency.is_file():
        return None
    cure = "Delete it and run the command again."
    return read_record(LatencyRecord, comparison.latency, cure=cure, adapt=_adapted, check=_check)


def write_latency(comparison: ComparisonDirectory, record: LatencyRecord) -> None:
    """Write the latencies of a comparison."""
    write_json(comparison.latency, record.to_dict())


def _adapted(data: dict[str, object]) -> dict[str, object]:
    if "environment" not in data:
        return data
    return data | {"environment": as_known_record(Environment, data["environment"], "environment.")}


def _check(record: LatencyRecord) -> None:
    if min(record.size) < 1:
        raise UnfitError(f"size must be that of an image, found {record.size}")
    for name, latency in record.models.items():
        figures = {key: value for key, value in asdict(latency).items() if value is not None}
        if latency.p50_ms <= 0 or min(figures.values()) < 0:
            raise UnfitError(f"times and memory of {name} must be above 0, found {figures}")
