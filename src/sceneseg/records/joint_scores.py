"""The joint scores of a comparison (`label_space.json`): where candidates of unlike label spaces are scored in one."""

from dataclasses import asdict, dataclass

from sceneseg.plain import UnfitError
from sceneseg.records.codec import read_record
from sceneseg.records.run_directory import ComparisonDirectory, write_json


@dataclass(frozen=True)
class JointScores:
    """Scores in one label space of candidates that have different ones.

    Args:
        label_space: Its name.
        evaluations: Scores of runs that were joined to it: the run's folder, as it stands in the plan, to the folder
            of the scores, relative to the run.
        apart: Runs that can't be scored in it, by folder, with the reason.

    Example:
        >>> JointScores("cityscapes:categories", {"unet": "evaluations/cityscapes-val-categories"}, {}).label_space
        'cityscapes:categories'
    """

    label_space: str
    evaluations: dict[str, str]
    apart: dict[str, str]


def read_joint_scores(comparison: ComparisonDirectory) -> JointScores | None:
    """Read in which label space all are scored; None where each is scored in its own.

    Raises:
        RunError: The file is damaged or of a newer version.
    """
    if not comparison.joint_scores.is_file():
        return None
    cure = "Delete it and run the command again."
    return read_record(JointScores, comparison.joint_scores, cure=cure, check=_check)


def write_joint_scores(comparison: ComparisonDirectory, scores: JointScores | None) -> None:
    """Write in which label space all are scored, or that each is scored in its own."""
    if scores is None:
        comparison.joint_scores.unlink(missing_ok=True)
    else:
        write_json(comparison.joint_scores, asdict(scores))


def _check(scores: JointScores) -> None:
    for folder, place in scores.evaluations.items():
        if place.startswith("/") or ".." in place.split("/"):
            raise UnfitError(f"evaluations.{folder} must lie in the run, found {place}")
