"""Counts of a classification: the answer to each image of a split."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sceneseg.records.answers import Answer


class ClassifiedImage(NamedTuple):
    """Answer to one image.

    Args:
        truth: Its class.
        prediction: The first answer.
        probability: That of the first answer.
        rank: Place of the true class among the answers, 1 for the first.
    """

    truth: int
    prediction: int
    probability: float
    rank: int


class ClassificationCounts:
    """The answers to the images of a split; an image that comes twice counts once.

    Args:
        classes: Their names.
    """

    def __init__(self, classes: list[str]) -> None:
        self.classes = classes
        self.images: dict[str, ClassifiedImage] = {}

    def add(self, names: list[str], labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> None:
        """Take in images with their true classes (B,) and the probabilities of all classes (B, C)."""
        order = np.argsort(-probabilities, axis=1, kind="stable")  # (B, C), the most probable first
        ranks = (order == labels[:, None]).argmax(1) + 1
        for name, label, row, first, rank in zip(names, labels, probabilities, order[:, 0], ranks, strict=True):
            self.images[name] = ClassifiedImage(int(label), int(first), float(row[first]), int(rank))

    def answers(self) -> list[Answer]:
        """Return the rank of each image's true class, from which every top-k accuracy follows."""
        return [
            Answer(
                name, self.classes[given.truth], self.classes[given.prediction], round(given.probability, 6), given.rank
            )
            for name, given in self.images.items()
        ]
