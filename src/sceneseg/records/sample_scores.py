"""Scores of sample scenes, stored with their images: the contents of samples/samples.json."""

from dataclasses import asdict, dataclass
from pathlib import Path

from sceneseg.errors import RunError
from sceneseg.plain import UnfitError, as_record
from sceneseg.records.run_directory import read_json, write_json


@dataclass(frozen=True)
class SampleScore:
    """The score of one scene.

    Args:
        name: Of the scene.
        mean_iou: In [0, 1]; None where the scene has no labels.
    """

    name: str
    mean_iou: float | None = None


def read_sample_scores(path: Path) -> list[SampleScore]:
    """Read samples.json.

    Raises:
        RunError: The file is missing, or holds something else.
    """
    data = read_json(path)
    try:
        scores: list[SampleScore] = as_record(list[SampleScore], data, "the list.")
    except UnfitError as error:
        raise RunError(f"{path}: expected the scores of scenes; {error}.") from None
    return scores


def write_sample_scores(path: Path, scores: list[SampleScore]) -> None:
    """Write samples.json."""
    write_json(path, [asdict(score) for score in scores])
