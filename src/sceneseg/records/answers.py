"""The answers of a classifier: a row of answers.csv for each image, from which every score follows."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sceneseg.records.run_directory import write_history


@dataclass(frozen=True)
class Answer:
    """Prediction of one image's class.

    Args:
        name: Of the image.
        truth: Its class.
        prediction: The most probable class.
        probability: That of the prediction, in [0, 1].
        rank: Place of the true class among the answers, 1 for the first.

    Example:
        >>> Answer("cat/1.jpg", truth="cat", prediction="dog", probability=0.6, rank=2).rank <= 5  # right in the top 5
        True
    """

    name: str
    truth: str
    prediction: str
    probability: float
    rank: int


def write_answers(path: Path, answers: Iterable[Answer]) -> None:
    """Write answers.csv, whole or not at all."""
    write_history(path, [asdict(answer) for answer in answers])
