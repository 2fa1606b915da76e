"""What a run directory has to say, read for the report; what is missing or damaged becomes a note, not an error."""

import csv
import math
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sceneseg.config.reading import read_yaml
from sceneseg.errors import ScenesegError
from sceneseg.labels import LabelSpace
from sceneseg.metrics.counts_file import read_matrices
from sceneseg.plain import as_record
from sceneseg.records.binary import reading
from sceneseg.records.names import file_name
from sceneseg.records.results import read_cost, read_epochs, read_scores
from sceneseg.records.run_directory import RunDirectory, read_json

T = TypeVar("T")
Plain = dict[str, Any]
DAMAGE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError, NotImplementedError),
    *(RecursionError, OverflowError, MemoryError, csv.Error, zipfile.BadZipFile, zlib.error, tokenize.TokenError),
    ScenesegError,
)
"""What reading a file raises that was cut short or holds something else."""


@dataclass(frozen=True)
class Sample:
    """One scene with its prediction; no truth where the split has no labels."""

    name: str
    image: Path
    truth: Path | None
    prediction: Path
    mean_iou: float | None


@dataclass(frozen=True)
class _Scored:
    """An entry of samples.json."""

    name: str
    mean_iou: float | None = None


@dataclass
class Contents:
    """Everything the report shows, None or empty where the run doesn't have it.

    Args:
        run: The run directory.
        config: The configuration as plain data; not checked against today's keys, so that old runs stay readable.
        config_text: The same as it stands in the file.
    """

    run: RunDirectory
    config: Plain
    config_text: str
    environment: Plain | None = None
    model: Plain | None = None
    labels: LabelSpace | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    metrics: Plain | None = None
    confusion: npt.NDArray[np.int64] | None = None  # (C+1, C+1), summed over images
    samples: list[Sample] = field(default_factory=list)
    previews: dict[int, Path] = field(default_factory=dict)
    evaluations: dict[str, Plain] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    """What is left out and why, one phrase each."""
    damaged: dict[str, str] = field(default_factory=dict)
    """Files that are there and can't be read, with the reason."""

    @property
    def classifies(self) -> bool:
        """Whether the run gives classes to whole images, and so has no pictures of classes."""
        return self.config.get("task") == "classification"

    def setting(self, key: str) -> Any:
        """Return a value of the configuration by its dotted name, None where there is none."""
        value: Any = self.config
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value


def read_contents(run: RunDirectory) -> Contents:
    """Read a run directory.

    Raises:
        RunError: The folder has no config.yaml, so it isn't a run.
        ConfigError: config.yaml isn't YAML.
    """
    run.check()
    found = Contents(run, read_yaml(run.config), run.config.read_text(encoding="utf-8"))

    def part(path: Path, read: Callable[[Path], T], what: str) -> T | None:
        try:
            return read(path)
        except DAMAGE as error:
            name = path.relative_to(run.path).as_posix()
            if not path.exists():
                found.gaps.append(f"{what}: {name} isn't there")
                return None
            reason = str(error).removeprefix(f"{path}: ") or type(error).__name__
            readable = isinstance(error, OSError) or (path == run.confusion and found.labels is None)
            found.damaged |= {} if readable else {name: reason}
            found.gaps.append(f"{what}: {name} can't be read: {reason}{'' if readable else ' (the file is damaged)'}")
            return None

    if not found.classifies:
        found.labels = part(run.labels, lambda path: LabelSpace.from_dict(read_json(path), path), "class colors")
    found.metrics = part(run.metrics, read_scores, "scores")
    found.history = part(run.history, _history, "learning curves") or []
    if not found.classifies:
        found.confusion = part(run.confusion, lambda path: _confusion(path, found.labels), "confusion matrix")
        found.samples = part(run.samples, read_samples, "samples") or []
        found.previews = part(run.preview(0).parent, _previews, "previews") or {}
    found.environment = part(run.environment, _mapping, "environment")
    if run.model.exists():
        found.model = part(run.model, read_cost, "cost of the model")
    for path in sorted(run.path.glob("evaluations/*/metrics.json")):
        if metrics := part(path, read_scores, f"evaluation {path.parent.name}"):
            found.evaluations[path.parent.name] = metrics
    return found


def _mapping(path: Path) -> Plain:
    data = read_json(path)
    if not isinstance(data, dict):
        raise ValueError(f"expected named values, found a {type(data).__name__}")
    return data


def _history(path: Path) -> list[dict[str, float]]:
    rows = [{k: math.nan if v is None else v for k, v in row.items()} for row in read_epochs(path)]
    if not rows:
        raise ValueError("no epoch in it")
    return rows


def _confusion(path: Path, labels: LabelSpace | None) -> npt.NDArray[np.int64]:
    with reading(), path.open("rb") as file:
        total: npt.NDArray[np.int64] = np.sum([matrices.sum(0) for matrices in read_matrices(file)], axis=0)
    if labels is None:
        raise ValueError("its classes have no names without labels.json")
    if total.shape != (len(labels) + 1, len(labels) + 1):
        raise ValueError(f"{total.shape[0]} rows for {len(labels)} classes and void")
    return total


def read_samples(folder: Path) -> list[Sample]:
    """List the scenes that have a picture and a prediction, in the order of samples.json."""
    names = {p.name.removesuffix("_image.jpg") for p in folder.iterdir() if p.name.endswith("_image.jpg")}
    listed = folder / "samples.json"
    scored: list[_Scored] = as_record(list[_Scored], read_json(listed)) if listed.exists() else []
    scores = {file_name(one.name): one.mean_iou for one in scored}
    ordered = [n for n in scores if n in names] + sorted(names - scores.keys())
    samples = [
        Sample(n, folder / f"{n}_image.jpg", truth if truth.exists() else None, prediction, scores.get(n))
        for n in ordered
        for truth, prediction in [(folder / f"{n}_truth.png", folder / f"{n}_prediction.png")]
        if prediction.exists()
    ]
    if not samples:
        raise ValueError("no NAME_image.jpg with its NAME_prediction.png")
    return samples


def _previews(folder: Path) -> dict[int, Path]:
    previews = {int(p.stem.removeprefix("epoch_")): p for p in folder.iterdir() if p.match("epoch_*.png")}
    if not previews:
        raise ValueError("no epoch_NNNN.png")
    return dict(sorted(previews.items()))
