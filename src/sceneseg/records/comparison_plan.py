"""The plan of a comparison (`plan.json`): its candidates, their runs, and the budget of those that are trained for it.

A comparison's folder may come from anywhere, and its plan says which folders are trained into; so none of them leads
out of it.
"""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Literal

from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.errors import ConfigError, RunError
from sceneseg.plain import UnfitError
from sceneseg.records.codec import read_record
from sceneseg.records.names import check_name
from sceneseg.records.protocol import AbsentRule
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory, write_json

FORMAT = 1
CURE = "Make the comparison again."


@dataclass(frozen=True)
class Budget:
    """Training budget of each candidate.

    Args:
        kind: "time" (seconds of training on this machine), "steps" or "epochs".
        amount: How much of it; a whole number of steps or epochs.

    Example:
        >>> Budget("time", 600.0).seconds
        600.0
    """

    kind: Literal["time", "steps", "epochs"]
    amount: float

    @property
    def seconds(self) -> float | None:
        """Seconds of training; None where the budget is of another kind."""
        return self.amount if self.kind == "time" else None

    def to_dict(self) -> dict[str, object]:
        """Return plain data, in the order of the file."""
        return {"kind": self.kind, "amount": self.amount if self.kind == "time" else int(self.amount)}


@dataclass(frozen=True)
class PlannedRun:
    """A run of a candidate.

    Args:
        folder: Relative to the comparison's folder; inside it, if the run is trained for the comparison.
        config: The configuration it is trained with, as plain data; None for a finished run.
    """

    folder: str
    config: dict[str, object] | None = None


@dataclass(frozen=True)
class PlannedCandidate:
    """Candidate of a planned comparison.

    Args:
        name: Unique within the comparison.
        changes: Intended differences: dotted configuration key -> value.
        runs: One, or one for each seed.
    """

    name: str
    changes: dict[str, object]
    runs: tuple[PlannedRun, ...]


@dataclass(frozen=True)
class ComparisonPlan:
    """Plan of a comparison: its candidates, and how they are scored.

    Args:
        candidates: One or more.
        budget: Of each candidate that is trained for the comparison; None where all runs are finished ones.
        split: The best weights are scored on it; None: on the split that they were chosen on.
        score_in: Label space that all are scored in (`sceneseg.labels.choose_space`); None: their own, or the one that
            most of them can be mapped to.
        absent: Rule for classes without a pixel in the split's labels; None: the rule of each candidate's scores.
        command: The command line that made the plan.

    Example:
        >>> plan = ComparisonPlan((PlannedCandidate("unet", {}, (PlannedRun("../unet"),)),))
        >>> [run.folder for run in plan.runs]
        ['../unet']
    """

    candidates: tuple[PlannedCandidate, ...]
    budget: Budget | None = None
    split: str | None = None
    score_in: str | None = None
    absent: AbsentRule | None = None
    command: str | None = None

    @property
    def runs(self) -> list[PlannedRun]:
        """The runs of all candidates."""
        return [run for candidate in self.candidates for run in candidate.runs]

    def is_same(self, other: "ComparisonPlan") -> bool:
        """Whether another plan compares the same; options that came after one was written have their defaults."""
        return _completed(self) == _completed(other)


def read_plan(comparison: ComparisonDirectory) -> ComparisonPlan:
    """Read the plan of a comparison.

    Raises:
        RunError: The file is missing, damaged or of a newer version, or would train into a folder elsewhere.
    """
    if not comparison.plan.is_file():
        raise RunError(f"{comparison.path}: holds no comparison (no plan.json). `sceneseg compare` makes one.")
    plan = read_record(ComparisonPlan, comparison.plan, newest=FORMAT, cure=CURE, check=_check)
    for run in plan.runs:
        if run.config is not None:
            inner_run(comparison, run.folder)
    return plan


def write_plan(comparison: ComparisonDirectory, plan: ComparisonPlan) -> None:
    """Write the plan of a comparison."""
    data = {
        "format": FORMAT,
        "command": plan.command,
        "budget": plan.budget.to_dict() if plan.budget else None,
        "split": plan.split,
        "candidates": [
            {"name": candidate.name, "changes": candidate.changes, "runs": [_run(run) for run in candidate.runs]}
            for candidate in plan.candidates
        ],
    }
    options = {"score_in": plan.score_in, "absent": plan.absent}
    write_json(comparison.plan, data | {key: value for key, value in options.items() if value is not None})


def inner_run(comparison: ComparisonDirectory, folder: str) -> RunDirectory:
    """Return a run that is trained for a comparison: it lies in the comparison's folder and nowhere else.

    Raises:
        RunError: It would lie elsewhere, or in the place of one of the comparison's files.
    """
    run = comparison.run(folder)
    files = (comparison.plan, comparison.progress, comparison.joint_scores, comparison.latency)
    try:
        check_name(folder)
        inside = run.path not in (*files, comparison.results, comparison.page) and not run.path.is_symlink()
    except ConfigError:
        inside = False
    if not inside:
        raise RunError(
            f'{comparison.plan}: expected the plain name of a folder in {comparison.path}, found "{folder}". Nothing '
            f"is trained, written or removed outside of it. Correct the plan, or make the comparison again."
        )
    return run


def _run(run: PlannedRun) -> dict[str, object]:
    return {"folder": run.folder} if run.config is None else asdict(run)


def _check(plan: ComparisonPlan) -> None:
    if not plan.candidates:
        raise UnfitError("candidates must be one or more, found none")
    if plan.budget and plan.budget.amount <= 0:
        raise UnfitError(f"budget.amount must be above 0, found {plan.budget.amount:g}")
    for candidate in plan.candidates:
        if not candidate.name or not candidate.runs:
            raise UnfitError(f'each candidate must have a name and a run, found "{candidate.name}" without')
    for run in plan.runs:
        if not run.folder or "\0" in run.folder:
            raise UnfitError(f"folder must be the path of a run, found {run.folder!r}")
        if run.config is not None and plan.budget is None:
            raise UnfitError(f"budget must be that of {run.folder}, which is trained, found none")
    names = [candidate.name for candidate in plan.candidates]
    for what, found in (("name", names), ("folder", [run.folder for run in plan.runs])):
        [(most, number)] = Counter(found).most_common(1)
        if number > 1:
            raise UnfitError(f'each {what} must be there once, found "{most}" {number} times')


def _completed(plan: ComparisonPlan) -> ComparisonPlan:
    candidates = [replace(c, runs=tuple(_completed_run(run) for run in c.runs)) for c in plan.candidates]
    return replace(plan, command=None, candidates=tuple(candidates))


def _completed_run(run: PlannedRun) -> PlannedRun:
    if run.config is None:
        return run
    return replace(run, config=to_dict(from_dict(run.config)))
