"""Candidates of a comparison, read from their runs; what is missing or damaged becomes a reason, not an error."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sceneseg.errors import ScenesegError
from sceneseg.evaluation.consistency import mismatch
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.records.comparison_plan import PlannedCandidate, read_plan
from sceneseg.records.experiment_progress import ExperimentProgress, Outcome, read_progress
from sceneseg.records.history import Epoch
from sceneseg.records.joint_scores import JointScores, read_joint_scores
from sceneseg.records.latency import Latency, read_latency
from sceneseg.records.protocol import Protocol, VoidRule
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory
from sceneseg.records.scores import MetricValues, Scores, read_scores
from sceneseg.report.run.run_reader import Contents, read_contents

T = TypeVar("T")


@dataclass(frozen=True)
class CandidateRun:
    """Run of a candidate.

    Args:
        folder: Relative to the comparison's folder.
        contents: Of the run directory; None where it can't be read.
        scored: The run, or the evaluation in it, whose scores are compared.
        scores: Those scores.
        counts: The counts that they come from; None where they are lost.
        reason: Why it can't be ranked; empty when it can.
        damaged: Its files that are there and can't be read, relative to the comparison's folder, with the reason.
    """

    folder: str
    contents: Contents | None
    scored: RunDirectory | None = None
    scores: Scores | None = None
    counts: SemanticCounts | None = None
    reason: str = ""
    damaged: dict[str, str] = field(default_factory=dict)

    @property
    def scored_folder(self) -> str:
        """Folder of its scores, relative to the comparison's folder."""
        if self.scored is None or self.contents is None:
            return self.folder
        inner = self.scored.path.relative_to(self.contents.run.path)
        return (Path(self.folder) / inner).as_posix()

    @property
    def protocol(self) -> Protocol:
        """The protocol of its scores; one that tells nothing where there are none."""
        return self.scores.protocol if self.scores else Protocol()

    @property
    def void(self) -> VoidRule:
        """The rule for void labels that it is scored by."""
        return self.protocol.void or "ignore"

    @property
    def classes(self) -> dict[str, MetricValues]:
        """Scores of each class."""
        return self.scores.classes if self.scores else {}

    @property
    def parameters(self) -> float | None:
        """Number of weights of the model."""
        return self.contents.cost.parameters if self.contents else None

    @property
    def gmacs(self) -> float | None:
        """Billions of multiply-adds of the model for an image."""
        return self.contents.cost.gmacs if self.contents else None

    @property
    def seconds(self) -> float | None:
        """Seconds of its training; None where none is noted."""
        return self.column("seconds")[-1] or None if self.epochs else None

    @property
    def steps(self) -> float | None:
        """Steps of its training; None where none is noted."""
        return self.column("step")[-1] or None if self.epochs else None

    @property
    def epochs(self) -> list[Epoch]:
        """The rows of its history."""
        return self.contents.history if self.contents else []

    def column(self, key: str) -> list[float | None]:
        """Return what its history has under a key, epoch by epoch; None where it isn't a finite number."""
        values = [epoch.value(key) for epoch in self.epochs]
        return [value if math.isfinite(value) else None for value in values]

    def setting(self, key: str) -> Any:
        """Return a value of its configuration by its dotted key; None where there is none."""
        return self.contents.setting(key) if self.contents else None


@dataclass(frozen=True)
class Candidate:
    """Candidate of a comparison: a model, trained once or from several seeds.

    Args:
        name: Unique within the comparison.
        changes: Intended differences: dotted configuration key -> value.
        runs: One or more.
        latency: Of its predictions; None where it wasn't measured.
        no_latency: Why it wasn't measured.
    """

    name: str
    changes: dict[str, Any]
    runs: list[CandidateRun]
    latency: Latency | None = None
    no_latency: str = ""

    @property
    def ranked(self) -> list[CandidateRun]:
        """The runs that have a score."""
        return [run for run in self.runs if not run.reason]

    @property
    def first(self) -> CandidateRun:
        """The run that stands for the others where one is shown."""
        return (self.ranked or self.runs)[0]

    @property
    def reason(self) -> str:
        """Why it has no score; empty when it has one."""
        return "" if self.ranked else self.runs[0].reason


def read_candidates(comparison: ComparisonDirectory) -> list[Candidate]:
    """Read the candidates, in the order of the plan.

    Raises:
        RunError: The folder holds no comparison, or a file of it is damaged.
    """
    plan = read_plan(comparison)
    progress, joint, latency = read_progress(comparison), read_joint_scores(comparison), read_latency(comparison)
    latencies, failed = (latency.models, latency.failed) if latency else ({}, {})
    candidates = []
    for planned in plan.candidates:
        runs = _runs(comparison, planned, plan.split, progress, joint)
        measured = latencies.get(planned.name)
        missing = failed.get(planned.name, "" if measured else "not measured")
        candidates.append(Candidate(planned.name, planned.changes, runs, measured, missing))
    return candidates


def _runs(
    comparison: ComparisonDirectory,
    planned: PlannedCandidate,
    split: str | None,
    progress: ExperimentProgress,
    joint: JointScores | None,
) -> list[CandidateRun]:
    evaluations = joint.evaluations if joint else {}
    return [
        _run(comparison, run.folder, split, progress.runs.get(run.folder), evaluations.get(run.folder))
        for run in planned.runs
    ]


def _run(
    comparison: ComparisonDirectory, folder: str, split: str | None, outcome: Outcome | None, evaluation: str | None
) -> CandidateRun:
    """Read one run; what is missing becomes the reason why it can't be ranked."""
    run = RunDirectory(Path(os.path.normpath(comparison.run(folder).path)))
    contents, damage = _try(partial(read_contents, run))
    reason = outcome.reason if outcome else ""
    if outcome and outcome.state == "failed":
        return CandidateRun(folder, contents, reason=reason or "failed")
    if contents is None:
        there = os.path.lexists(run.config)
        return CandidateRun(folder, None, reason=reason or (damage if there else "not trained yet"))
    reason = _unfinished(contents, outcome)
    return CandidateRun(folder, contents, reason=reason) if reason else _scored(folder, contents, split, evaluation)


def _unfinished(contents: Contents, outcome: Outcome | None) -> str:
    if not contents.facts.is_compared:
        return f"is of the task {contents.facts.name}; only segmentation is compared"
    if outcome and outcome.state == "interrupted":
        done = f"{contents.history[-1].epoch:g}" if contents.history else "none"
        return f"interrupted: {done} of {contents.setting('train.epochs')} parts of its training are done"
    return ""


def _scored(folder: str, contents: Contents, split: str | None, evaluation: str | None) -> CandidateRun:
    """Find the scores that are compared, and check that they, their counts and the weights belong together.

    Args:
        folder: Of the run, relative to the comparison's folder.
        contents: Of the run directory.
        split: That all are scored on; None: the one of the run's own scores.
        evaluation: Scores in a joint label space, relative to the run; None: in its own.
    """
    run = source = contents.run
    damaged = {f"{folder}/{name}": reason for name, reason in contents.damaged.items()}
    own = contents.metrics
    if split is not None and own and own.protocol.split != split:
        source = run.evaluation(f"{own.protocol.dataset}-{split}")
    scored = source if evaluation is None else RunDirectory(run.path / evaluation)
    for place in dict.fromkeys((source, scored)):
        name = (Path(folder) / place.metrics.relative_to(run.path)).as_posix()
        scores, damage = _try(partial(read_scores, place.metrics))
        if scores is None or scores.means.get("mean_iou") is None:
            reason = "no scores yet (metrics.json is missing or has no mean IoU)"
            if damage and place.metrics.exists():
                reason = f"{name} is damaged: {damage.removeprefix(f'{place.metrics}: ')}"
            return CandidateRun(folder, contents, reason=reason, damaged=damaged)
        if scores.protocol.dataset is None or scores.protocol.split is None:
            reason = f"{name} doesn't say of which data it is"
            return CandidateRun(folder, contents, reason=reason, damaged=damaged)
        counts, damage = _try(partial(SemanticCounts.load, place.confusion))
        if counts is None and place.confusion.exists():
            damaged[name.replace("metrics.json", "confusion.npz")] = damage.removeprefix(f"{place.confusion}: ")
        wrong, damage = _try(partial(mismatch, place, scores, counts))
        if wrong or damage:
            return CandidateRun(folder, contents, reason=wrong or damage, damaged=damaged)
    return CandidateRun(folder, contents, scored, scores, counts, damaged=damaged)


def _try(read: Callable[[], T]) -> tuple[T | None, str]:
    """Return what was read, or None and why not."""
    try:
        return read(), ""
    except (ScenesegError, OSError) as error:
        return None, str(error) or type(error).__name__
