"""What a comparison's runs have to say, read for the page; every figure keeps the file that it comes from."""

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from sceneseg.evaluation.consistency import mismatch
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.records.comparison_plan import read_latency, read_plan, read_progress, read_together
from sceneseg.records.results import read_scores
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory
from sceneseg.report.run.run_reader import DAMAGE, Contents, Plain, read_contents

T = TypeVar("T")


@dataclass(frozen=True)
class Training:
    """One training of a candidate.

    Args:
        folder: Its run, relative to the comparison's folder.
        contents: What the run holds.
        scored: The run, or the evaluation in it, whose scores are compared.
        metrics: Those scores.
        counts: The counts that they come from; None where they are lost.
        reason: Why it can't be ranked; empty when it can.
        damaged: Its files that are there and can't be read, relative to the comparison's folder, with the reason.
    """

    folder: str
    contents: Contents | None
    scored: RunDirectory | None = None
    metrics: Plain | None = None
    counts: SemanticCounts | None = None
    reason: str = ""
    damaged: dict[str, str] = field(default_factory=dict)

    @property
    def scored_folder(self) -> str:
        """Where its scores lie, relative to the comparison's folder."""
        if self.scored is None or self.contents is None:
            return self.folder
        inner = self.scored.path.relative_to(self.contents.run.path)
        return (Path(self.folder) / inner).as_posix()

    @property
    def last_row(self) -> dict[str, float]:
        """The last row of its history, empty where there is none."""
        return self.contents.history[-1] if self.contents and self.contents.history else {}


@dataclass(frozen=True)
class Candidate:
    """One of the things that are compared: a model, trained once or from several seeds.

    Args:
        name: Unique within the comparison.
        changes: In what it differs from the others by intent.
        trainings: One or more.
        latency: What was measured of its predictions: p50_ms, p95_ms, peak_mib, and p25_ms and p75_ms unless an earlier
            version measured; None where nothing was.
        no_latency: Why nothing was.
        progress: What the experiment noted of its trainings, by folder.
    """

    name: str
    changes: Plain
    trainings: list[Training]
    latency: Plain | None = None
    no_latency: str = ""
    progress: dict[str, Plain] = field(default_factory=dict)

    @property
    def ranked(self) -> list[Training]:
        """The trainings that have come to a score."""
        return [training for training in self.trainings if not training.reason]

    @property
    def first(self) -> Training:
        """The training that stands for the others where one is shown."""
        return (self.ranked or self.trainings)[0]

    @property
    def reason(self) -> str:
        """Why it has no score; empty when it has one."""
        return "" if self.ranked else self.trainings[0].reason

    def figures(self) -> dict[str, tuple[float, list[str]]]:
        """Return its figures beside the scores: key -> (value, the files that it comes from)."""
        found: dict[str, tuple[float, list[str]]] = {}
        folder, contents, row = self.first.folder, self.first.contents, self.first.last_row
        model = (contents.model if contents else None) or {}
        for key in ("parameters", "gmacs"):
            if isinstance(model.get(key), int | float):
                found[key] = (model[key], [f"{folder}/model.json"])
        seconds = {t.folder: t.last_row["seconds"] for t in self.ranked if t.last_row.get("seconds")}
        if seconds:
            files = [f"{trained}/history.csv" for trained in seconds]
            found["training_seconds"] = (statistics.fmean(seconds.values()), files)
        if row.get("step"):
            found["steps"] = (row["step"], [f"{folder}/history.csv"])
        speeds = [v for r in (contents.history if contents else []) if (v := r.get("images_per_second", 0)) > 0]
        if speeds:
            found["images_per_second"] = (statistics.median(speeds), [f"{folder}/history.csv"])
        for key in ("p50_ms", "p95_ms", "p25_ms", "p75_ms", "peak_mib"):
            if self.latency and isinstance(self.latency.get(key), int | float):
                found[key] = (self.latency[key], ["latency.json"])
        return found


def read_candidates(comparison: ComparisonDirectory) -> list[Candidate]:
    """Read what is compared, in the order of the plan.

    Raises:
        RunError: The folder holds no comparison, or a file of it is damaged.
    """
    plan = read_plan(comparison)
    noted = read_progress(comparison)
    latency = read_latency(comparison) or {}
    together = (read_together(comparison) or {"evaluations": {}})["evaluations"]
    candidates = []
    for given in plan["candidates"]:
        folders = [run["folder"] for run in given["runs"]]
        trainings = [
            _training(comparison, folder, plan.get("split"), noted.get(folder, {}), together.get(folder))
            for folder in folders
        ]
        measured = latency.get("models", {}).get(given["name"])
        missing = latency.get("failed", {}).get(given["name"], "" if measured else "not measured")
        progress = {folder: noted[folder] for folder in folders if folder in noted}
        candidates.append(Candidate(given["name"], given["changes"], trainings, measured, missing, progress))
    return candidates


def _training(
    comparison: ComparisonDirectory, folder: str, split: str | None, noted: Plain, together: str | None
) -> Training:
    """Read one training; what is missing becomes the reason why it can't be ranked."""
    run = RunDirectory(Path(os.path.normpath(comparison.run(folder).path)))
    contents, damage = _try(partial(read_contents, run))
    if noted.get("state") == "failed":
        return Training(folder, contents, reason=noted.get("reason") or "failed")
    if contents is None:
        there = os.path.lexists(run.config)
        return Training(folder, None, reason=noted.get("reason") or (damage if there else "not trained yet"))
    reason = _unfinished(contents, noted)
    return Training(folder, contents, reason=reason) if reason else _scored(folder, contents, split, together)


def _unfinished(contents: Contents, noted: Plain) -> str:
    if contents.classifies:
        return "classifies whole images; only segmentation is compared"
    if noted.get("state") == "interrupted":
        done = f"{contents.history[-1]['epoch']:g}" if contents.history else "none"
        return f"interrupted: {done} of {contents.setting('train.epochs')} parts of its training are done"
    return ""


def _scored(folder: str, contents: Contents, split: str | None, together: str | None) -> Training:
    """Find the scores that are compared, and see whether they, their counts and the weights belong together."""
    run = source = contents.run
    damaged = {f"{folder}/{name}": reason for name, reason in contents.damaged.items()}
    if split is not None and contents.metrics and contents.metrics["protocol"].get("split") != split:
        source = run.evaluation(f"{contents.metrics['protocol'].get('dataset')}-{split}")
    scored = source if together is None else RunDirectory(run.path / together)  # in the label space of all
    for place in dict.fromkeys((source, scored)):
        name = (Path(folder) / place.metrics.relative_to(run.path)).as_posix()
        metrics, damage = _try(partial(read_scores, place.metrics))
        if metrics is None or metrics.get("mean_iou") is None:
            reason = (
                f"{name} is damaged: {damage.removeprefix(f'{place.metrics}: ')}"
                if damage and place.metrics.exists()
                else ""
            )
            reason = reason or "no scores yet (metrics.json is missing or has no mean IoU)"
            return Training(folder, contents, reason=reason, damaged=damaged)
        if not {"dataset", "split"} <= metrics["protocol"].keys():
            return Training(folder, contents, reason=f"{name} doesn't say of which data it is", damaged=damaged)
        counts, damage = _try(partial(SemanticCounts.load, place.confusion))
        if counts is None and place.confusion.exists():
            damaged[name.replace("metrics.json", "confusion.npz")] = damage.removeprefix(f"{place.confusion}: ")
        wrong, damage = _try(partial(mismatch, place, metrics, counts))
        if wrong or damage:
            return Training(folder, contents, reason=wrong or damage, damaged=damaged)
    return Training(folder, contents, scored, metrics, counts, damaged=damaged)


def _try(read: Callable[[], T]) -> tuple[T | None, str]:
    """Return what was read, or None and why not."""
    try:
        return read(), ""
    except DAMAGE as error:
        return None, str(error) or type(error).__name__
