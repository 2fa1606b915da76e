"""The progress of an experiment (`progress.json`): the outcome of each of its trainings so far."""

from dataclasses import asdict, dataclass, field
from typing import Literal

from sceneseg.records.codec import read_record
from sceneseg.records.run_directory import ComparisonDirectory, write_json

State = Literal["finished", "interrupted", "failed"]


@dataclass(frozen=True)
class Outcome:
    """Outcome of a training.

    Args:
        state: finished, interrupted (it can be resumed), or failed.
        reason: Why it isn't finished, one sentence; empty when it is.
        seconds_per_step: Measured before the training, to lay out a budget of time; None under another budget.
        steps: The steps that fit into the budget of time; None under another budget.

    Example:
        >>> Outcome("finished", seconds_per_step=0.5, steps=120).steps
        120
    """

    state: State
    reason: str = ""
    seconds_per_step: float | None = None
    steps: int | None = None


@dataclass(frozen=True)
class ExperimentProgress:
    """The outcome of each training that has begun.

    Args:
        runs: By the run's folder, as it stands in the plan.
    """

    runs: dict[str, Outcome] = field(default_factory=dict)

    def with_outcome(self, folder: str, outcome: Outcome) -> "ExperimentProgress":
        """Return the progress with the outcome of another run, or a newer one of the same.

        Example:
            >>> list(ExperimentProgress().with_outcome("unet", Outcome("finished")).runs)
            ['unet']
        """
        return ExperimentProgress({**self.runs, folder: outcome})


def read_progress(comparison: ComparisonDirectory) -> ExperimentProgress:
    """Read the outcomes so far; none where nothing has begun.

    Raises:
        RunError: The file is damaged or of a newer version.
    """
    if not comparison.progress.is_file():
        return ExperimentProgress()
    cure = "Delete it and run the command again."
    return read_record(ExperimentProgress, comparison.progress, cure=cure)


def write_progress(comparison: ComparisonDirectory, progress: ExperimentProgress) -> None:
    """Write the outcomes so far."""
    runs = {folder: _plain(outcome) for folder, outcome in progress.runs.items()}
    write_json(comparison.progress, {"runs": runs})


def _plain(outcome: Outcome) -> dict[str, object]:
    return {key: value for key, value in asdict(outcome).items() if value is not None}
