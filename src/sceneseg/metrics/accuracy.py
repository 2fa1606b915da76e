"""Scores of classification: how often the true class is the first answer, or among the first five.

Source: Russakovsky et al., "ImageNet large scale visual recognition challenge", IJCV 2015, section 4.1 (top-5).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sceneseg.records.scores import Scores

MEANS = ("top1", "top5", "class_accuracy")
"""Keys of the scores of a whole split."""


class ClassifiedImage(NamedTuple):
    """What was said of one image.

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

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each image, for a table: every top-k accuracy follows from its ranks."""
        return [
            {
                "name": name,
                "truth": self.classes[answer.truth],
                "prediction": self.classes[answer.prediction],
                "probability": round(answer.probability, 6),
                "rank": answer.rank,
            }
            for name, answer in self.images.items()
        ]


def accuracy_scores(answers: ClassificationCounts) -> Scores:
    """Compute all scores of a split.

    Convention: `top5` is None for five classes or fewer, where it would be 1 whatever the model says;
    `class_accuracy` weighs all classes that occur alike.
    """
    ranks = np.array([answer.rank for answer in answers.images.values()])
    truths = np.array([answer.truth for answer in answers.images.values()])
    images = np.bincount(truths, minlength=len(answers.classes))
    right = np.bincount(truths[ranks == 1], minlength=len(answers.classes))
    accuracy = [float(r / n) if n else None for r, n in zip(right, images, strict=True)]
    there = [value for value in accuracy if value is not None]
    top5 = float(np.mean(ranks <= 5)) if len(answers.classes) > 5 else None
    return Scores(
        dict(zip(MEANS, (float(right.sum() / len(ranks)), top5, float(np.mean(there))), strict=True)),
        {name: {"accuracy": value} for name, value in zip(answers.classes, accuracy, strict=True)},
    )


def accuracy_table(scores: Scores) -> str:
    """Write all scores as a table; "nan" is a score that doesn't exist."""
    width = max(map(len, ("Class accuracy", *scores.classes)))

    def row(name: str, value: float | None) -> str:
        return f"{name:<{width}}: {float('nan') if value is None else value:>5.3f}"

    rule = "-" * (width + 7)
    means = dict(zip(("Top-1", "Top-5", "Class accuracy"), map(scores.means.get, MEANS), strict=True))
    classes = [row(name, values.get("accuracy")) for name, values in scores.classes.items()]
    return "\n".join(["classes", rule, *classes, rule, *(row(name, value) for name, value in means.items())])
