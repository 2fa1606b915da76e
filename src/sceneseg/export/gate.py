"""The gate: an exported model is compared with the original on labelled images, and refused when its score fell."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sceneseg.data.scene import Scene
from sceneseg.errors import DataError
from sceneseg.labels import Labels
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.semantic import semantic_scores
from sceneseg.tasks.semantic import SemanticModel, count_scene

TOLERANCE = {"fp32": 0.001, "fp16": 0.001, "int8": 0.01}
"""How much mean IoU may fall, by precision."""


@dataclass(frozen=True)
class Verdict:
    """What came of the comparison.

    Args:
        images: How many were compared.
        equal: Share of the pixels to which both give the same class.
        before: Mean IoU of the original.
        after: Mean IoU of the exported model.
        classes: Class -> IoU before and after, for those that occur.
        tolerance: How much mean IoU may fall.
    """

    images: int
    equal: float
    before: float
    after: float
    classes: dict[str, tuple[float, float]]
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the exported model may be written."""
        return self.before - self.after <= self.tolerance

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for the file's metadata."""
        return {
            "images": self.images,
            "pixels_equal": self.equal,
            "mean_iou": {"original": self.before, "exported": self.after},
            "tolerance": self.tolerance,
        }


def compare(
    model: SemanticModel,
    exported: Callable[[npt.NDArray[np.uint8]], Labels],
    scenes: Iterable[Scene],
    tolerance: float,
    on_scene: Callable[[], None] | None = None,
) -> Verdict:
    """Predict labelled scenes with both and score both.

    Args:
        model: The original.
        exported: Gives train ids (H, W) for a picture (H, W, 3).
        scenes: With labels.
        tolerance: How much mean IoU may fall, in [0, 1].
        on_scene: Called after each scene.

    Raises:
        DataError: There are no scenes.
    """
    counts = [SemanticCounts(model.label_space), SemanticCounts(model.label_space)]
    equal = pixels = images = 0
    for scene in scenes:
        both = [model.predict(scene.image, scene.name).labels, exported(scene.image)]
        for one, labels in zip(counts, both, strict=True):
            count_scene(one, Scene(scene.image, scene.labels, None, scene.name), labels)
        equal += int((both[0] == both[1]).sum())
        pixels, images = pixels + both[0].size, images + 1
        if on_scene:
            on_scene()
    if not images:
        raise DataError("There are no labelled images to compare the exported model on. Give a split with --split.")
    scores = [semantic_scores(one, model.label_space) for one in counts]
    rows = {
        name: (before["iou"] or 0.0, scores[1]["classes"][name]["iou"] or 0.0)
        for name, before in scores[0]["classes"].items()
        if before["iou"] is not None or scores[1]["classes"][name]["iou"] is not None
    }
    before, after = (score["mean_iou"] or 0.0 for score in scores)
    return Verdict(images, equal / pixels, before, after, rows, tolerance)
