"""File of a measurement: its layout as types, and the check that a file keeps to it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sceneseg.errors import DataError
from sceneseg.plain import UnfitError, as_known_record, as_record
from sceneseg.records import run_directory
from sceneseg.records.environment import Environment

SCHEMA = "sceneseg-bench-1"


@dataclass(frozen=True)
class Times:
    """Times of the repetitions of one call.

    Args:
        p50_ms: Median milliseconds on the clock; on a GPU those of the network alone are by the GPU's own clock.
        p95_ms: 95 of 100 repetitions took at most that.
        images_per_s: Images of all repetitions by their time.
        repetitions: How many were timed.
    """

    p50_ms: float
    p95_ms: float
    images_per_s: float
    repetitions: int


@dataclass(frozen=True)
class Memory:
    """Resident memory of the process that predicts, in MiB; None where the system doesn't tell.

    Args:
        libraries_mib: After importing the engine.
        loaded_mib: After loading the model.
        peak_mib: At the peak, up to the end of the first prediction.
        gpu_peak_mib: Taken on the GPU at the peak; None on the CPU.
    """

    libraries_mib: float | None
    loaded_mib: float | None
    peak_mib: float | None
    gpu_peak_mib: float | None


@dataclass(frozen=True)
class Result:
    """Measurements of one candidate at one size and batch.

    Args:
        name: Of the model or run.
        engine: What computed it.
        weights: Run or weights file; None: untrained.
        size: (height, width) of the images, in pixels.
        batch: Images at once.
        device: cpu or cuda.
        threads: Of the engine, on the CPU.
        start_s: From starting a process until the engine is imported.
        load_s: Loading and, for some, compiling.
        first_s: The first prediction; some compile in it.
        memory: See `Memory`.
        whole: From uint8 images in memory to their labels.
        network: From the network's input to its coarse logits.
        equal_pixels: Part of the pixels that have the label that eager torch gives them; None when eager wasn't asked.
        calibration: Images from which an int8 file learned its ranges; drawn ones are good for speed, not for accuracy.
        neighbors: Other candidates it took turns with.
        error: Why there are no times.
    """

    name: str
    engine: str
    weights: str | None
    size: tuple[int, int]
    batch: int
    device: str
    threads: int
    start_s: float | None = None
    load_s: float | None = None
    first_s: float | None = None
    memory: Memory | None = None
    whole: Times | None = None
    network: Times | None = None
    equal_pixels: float | None = None
    calibration: str | None = None
    neighbors: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Settings:
    """Settings of a measurement.

    Args:
        repetitions: Timed repetitions of each call, at most.
        warmup: Untimed ones before.
        seconds: A candidate whose turns have taken so long repeats no more, once it has had three.
        images: What was predicted.
    """

    repetitions: int
    warmup: int
    seconds: float
    images: str = "toy street scenes, drawn at the size"


@dataclass(frozen=True)
class Record:
    """A whole measurement.

    Args:
        schema: Version of this layout.
        environment: Machine, versions and command.
        settings: What was asked for.
        results: One per candidate, size and batch.
    """

    schema: str
    environment: Environment
    settings: Settings
    results: list[Result]

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        run_directory.write_json(path, dataclasses.asdict(self) | {"environment": self.environment.to_dict()})

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Read a record and check it.

        Raises:
            RunError: There is no such file, or it isn't JSON.
            DataError: It isn't a record of this version.
        """
        return parse(run_directory.read_json(path), str(path))


def parse(data: Any, where: str) -> Record:
    """Check plain data against the layout and return it as a record.

    Raises:
        DataError: A key that is missing, unknown, or has a value of another type.
    """
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise DataError(f'{where}: expected a measurement with the schema "{SCHEMA}", found {found!r}. Measure again.')
    try:
        found = as_known_record(Environment, data.get("environment"), "environment.")
        record: Record = as_record(Record, data | {"environment": found})
    except UnfitError as error:
        raise DataError(f"{where}: {error}. Measure again with this version.") from None
    for i, result in enumerate(record.results):
        parts = (result.whole, result.memory, result.start_s)
        times = [given.p50_ms for given in (result.whole, result.network) if given is not None]
        if result.error is None and (None in parts or min(times) <= 0):
            raise DataError(f"{where}: results.{i} has neither times nor an error. Measure again with this version.")
    return record
