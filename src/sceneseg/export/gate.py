"""The gate: an exported file and its model predict real images, and a file that is worse is refused."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from sceneseg.arrays import ImageArray, ImageSize, LabelArray
from sceneseg.datasets.base import Scene
from sceneseg.errors import DataError, ScenesegError
from sceneseg.evaluation.counting import count_scene
from sceneseg.inference.predictor import SemanticModel
from sceneseg.inference.resizing import nearest_labels, resize_picture
from sceneseg.labels import LabelSpace
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.scores import semantic_scores
from sceneseg.records.export_description import GateResult, GateScores

TOLERANCE = {"fp32": 0.001, "fp16": 0.001, "int8": 0.01}
"""Precision -> how much mean IoU may drop, in [0, 1]."""


DOUBTFUL = 0.95  # part of the pixels
KNOWS_LITTLE = 0.1  # mean IoU


@dataclass(frozen=True)
class Verdict:
    """Result of comparing an exported file with its model.

    Args:
        images: How many were predicted by both.
        equal: Part of all pixels to which both gave the same label.
        before: Mean IoU of the model.
        after: Mean IoU of the exported file.
        classes: Class -> IoU before and after, for those that occur.
        tolerance: How much mean IoU may drop.
    """

    images: int
    equal: float
    before: float
    after: float
    classes: dict[str, tuple[float, float]]
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the file passes."""
        return self.before - self.after <= self.tolerance

    @property
    def doubts(self) -> list[str]:
        """Why the score alone doesn't tell that the file is as good as the model."""
        found = []
        if self.before < KNOWS_LITTLE:
            found.append("the model scores so little that its IoU can hardly drop: look at the equal pixels")
        if self.equal < DOUBTFUL and self.passed:
            found.append("many pixels differ, though the score holds: look at some predictions")
        return found

    def result(self, dataset: str, split: str) -> GateResult:
        """Return what the file's description says of it."""
        scores = GateScores(self.before, self.after)
        return GateResult(self.images, self.equal, scores, self.tolerance, self.passed, dataset, split)


class GateError(ScenesegError):
    """An exported file that doesn't predict what its model does; nothing was written.

    Args:
        verdict: By how much it differs.
    """

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(
            f"Mean IoU drops by {100 * (verdict.before - verdict.after):.2f} points, more than the tolerance of "
            f"{100 * verdict.tolerance:g}. Nothing was written.",
            field="tolerance",
        )
        self.verdict = verdict


def compare(
    model: SemanticModel,
    exported: Callable[[ImageArray], LabelArray],
    scenes: Iterable[Scene],
    tolerance: float,
    image_size: ImageSize | None = None,
) -> Verdict:
    """Predict labeled images with both and score both at the labels' native size.

    Args:
        model: What was exported.
        exported: Gives the train ids (H, W) of an image (H, W, 3), by the exported file.
        scenes: Images with labels, in the model's label space.
        tolerance: How much mean IoU may drop, in [0, 1].
        image_size: Images are resized to this (H, W) first, if the file takes no other; for both alike.

    Raises:
        DataError: There are no images, or no class occurs in their labels.
    """
    counts = SemanticCounts(model.label_space), SemanticCounts(model.label_space)
    equal = pixels = images = 0
    for scene in scenes:
        image = np.asarray(resize_picture(scene.image, image_size, "opencv"))
        ours, theirs = model.predict(image).labels, exported(image)
        equal, pixels, images = equal + int((ours == theirs).sum()), pixels + ours.size, images + 1
        plain = Scene(scene.image, scene.labels, None, scene.name)  # instances say nothing of a mean IoU
        for count, labels in zip(counts, (ours, theirs), strict=True):
            size = (scene.image.shape[0], scene.image.shape[1])
            count_scene(count, plain, nearest_labels(labels, size))
    if not images:
        raise DataError(
            "There is no image to compare the exported file on. Give a data set and split with labeled ones.",
            field="data",
        )
    before, after = (_scores(count, model.label_space) for count in counts)
    mean = [float(np.mean(list(scores.values()))) for scores in (before, after)]
    classes = {name: (before[name], after[name]) for name in before}
    return Verdict(images, equal / pixels, mean[0], mean[1], classes, tolerance)


def _scores(counts: SemanticCounts, space: LabelSpace) -> dict[str, float]:
    """Return the IoU of every class that occurs in the truth; a class that is missed altogether has 0."""
    truth = sum(image.confusion[: len(space)].sum(1) for image in counts.images.values())
    occurs = {name: bool(n) for name, n in zip(space.names, np.asarray(truth).tolist(), strict=True)}
    if not any(occurs.values()):
        raise DataError(
            "No class occurs in the labels of the compared images. Compare more, or another split.", field="images"
        )
    classes = semantic_scores(counts).classes
    return {name: float(classes[name]["iou"] or 0.0) for name in space.names if occurs[name]}
