"""Reader of a run directory for its report; what is missing or damaged becomes a note, not an error."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sceneseg.config.reading import read_yaml
from sceneseg.errors import RunError, ScenesegError
from sceneseg.labels import LabelSpace
from sceneseg.metrics.counts_file import read_matrices
from sceneseg.plain import UnfitError
from sceneseg.records.binary import DamagedError, reading
from sceneseg.records.environment import Environment, read_environment
from sceneseg.records.history import Epoch, read_epochs
from sceneseg.records.model_cost import ModelCost, read_model_cost
from sceneseg.records.names import file_name
from sceneseg.records.run_directory import RunDirectory, find_weights, read_header, read_json
from sceneseg.records.sample_scores import read_sample_scores
from sceneseg.records.scores import Scores, read_scores
from sceneseg.task_facts import SEMANTIC, TaskFacts, facts_of, known_facts

T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """Scene with its prediction; no ground truth where the split has no labels."""

    name: str
    image: Path
    truth: Path | None
    prediction: Path
    mean_iou: float | None


@dataclass
class Contents:
    """Everything the report shows, None or empty where the run doesn't have it.

    Args:
        run: The run directory.
        config: The configuration as plain data; not checked against today's keys, so that old runs stay readable.
        config_text: The same as it stands in the file.
    """

    run: RunDirectory
    config: dict[str, Any]
    config_text: str
    environment: Environment | None = None
    cost: ModelCost = field(default_factory=ModelCost)
    labels: LabelSpace | None = None
    history: list[Epoch] = field(default_factory=list)
    metrics: Scores | None = None
    confusion: npt.NDArray[np.int64] | None = None  # (C+1, C+1), summed over images
    samples: list[Sample] = field(default_factory=list)
    previews: dict[int, Path] = field(default_factory=dict)
    evaluations: dict[str, Scores] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    """What is left out and why, one phrase each."""
    damaged: dict[str, str] = field(default_factory=dict)
    """Files that are there and can't be read, with the reason."""

    @cached_property
    def facts(self) -> TaskFacts:
        """Of the run's task: what the run has to show. Where its file wasn't allowed to run, the weights say which."""
        task = str(self.config.get("task", SEMANTIC.name))
        if known_facts(task) is None:
            with suppress(RunError):
                task = str(read_header(find_weights(self.run.path)).task)
        return facts_of(task)

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

    part = partial(_part, found)
    sections = found.facts.sections
    if "colors" in sections:
        found.labels = part(run.labels, lambda path: LabelSpace.from_dict(read_json(path), path), "class colors")
    found.metrics = part(run.metrics, read_scores, "scores")
    found.history = part(run.history, _history, "learning curves") or []
    if "confusion" in sections:
        found.confusion = part(run.confusion, lambda path: _confusion(path, found.labels), "confusion matrix")
    if "samples" in sections:
        found.samples = part(run.samples, read_samples, "samples") or []
    if "previews" in sections:
        found.previews = part(run.preview(0).parent, _previews, "previews") or {}
    found.environment = part(run.environment, read_environment, "environment")
    if run.model.exists():
        found.cost = part(run.model, read_model_cost, "cost of the model") or ModelCost()
    for path in sorted(run.path.glob("evaluations/*/metrics.json")):
        if metrics := part(path, read_scores, f"evaluation {path.parent.name}"):
            found.evaluations[path.parent.name] = metrics
    return found


def _part(found: Contents, path: Path, read: Callable[[Path], T], what: str) -> T | None:
    """Return a part of the run; what is missing or damaged becomes a note."""
    try:
        return read(path)
    except (ScenesegError, OSError, UnfitError, DamagedError) as error:
        name = path.relative_to(found.run.path).as_posix()
        if not path.exists():
            found.gaps.append(f"{what}: {name} isn't there")
            return None
        reason = str(error).removeprefix(f"{path}: ").replace(f"{found.run.path}/", "") or type(error).__name__
        readable = isinstance(error, OSError) or (path == found.run.confusion and found.labels is None)
        found.damaged |= {} if readable else {name: reason}
        found.gaps.append(f"{what}: {name} can't be read: {reason}{'' if readable else ' (the file is damaged)'}")
        return None


def _history(path: Path) -> list[Epoch]:
    if not (epochs := read_epochs(path)):
        raise UnfitError("no epoch in it")
    return epochs


def _confusion(path: Path, labels: LabelSpace | None) -> npt.NDArray[np.int64]:
    with reading(), path.open("rb") as file:
        total: npt.NDArray[np.int64] = np.sum([matrices.sum(0) for matrices in read_matrices(file)], axis=0)
    if labels is None:
        raise UnfitError("its classes have no names without labels.json")
    if total.shape != (len(labels) + 1, len(labels) + 1):
        raise UnfitError(f"{total.shape[0]} rows for {len(labels)} classes and void")
    return total


def read_samples(folder: Path) -> list[Sample]:
    """List the scenes that have an image and a prediction, in the order of samples.json."""
    names = {p.name.removesuffix("_image.jpg") for p in folder.iterdir() if p.name.endswith("_image.jpg")}
    listed = folder / "samples.json"
    scored = read_sample_scores(listed) if listed.exists() else []
    scores = {file_name(one.name): one.mean_iou for one in scored}
    ordered = [n for n in scores if n in names] + sorted(names - scores.keys())
    samples = [
        Sample(n, folder / f"{n}_image.jpg", truth if truth.exists() else None, prediction, scores.get(n))
        for n in ordered
        for truth, prediction in [(folder / f"{n}_truth.png", folder / f"{n}_prediction.png")]
        if prediction.exists()
    ]
    if not samples:
        raise UnfitError("no NAME_image.jpg with its NAME_prediction.png")
    return samples


def _previews(folder: Path) -> dict[int, Path]:
    named = {path: re.fullmatch(r"epoch_(\d{1,9})\.png", path.name) for path in folder.iterdir()}
    previews = {int(found[1]): path for path, found in named.items() if found}
    if not previews:
        raise UnfitError("no epoch_NNNN.png")
    return dict(sorted(previews.items()))
