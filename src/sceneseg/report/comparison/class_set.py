"""The classes that a comparison's means are over: one set for all candidates, as a mean over others can't be ranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sceneseg.metrics.semantic import AbsentRule, shared_class_ious
from sceneseg.report.comparison.candidates import Candidate, Training
from sceneseg.report.run.run_reader import Plain


@dataclass(frozen=True)
class ClassSet:
    """Classes of a mean.

    Args:
        names: Those that count.
        left_out: Those of the label space that don't, as the truth of the split has no pixel of them.
        absent: The rule: "skip" leaves them out, "zero" counts them as 0 (then nothing is left out).
    """

    names: tuple[str, ...]
    left_out: tuple[str, ...]
    absent: AbsentRule

    def plain(self) -> Plain:
        """Return it as it stands in comparison.json."""
        number = len(self.names)
        of = number + len(self.left_out)
        return {"number": number, "of": of, "absent": self.absent, "left_out": list(self.left_out)}

    def ious(self, training: Training, void: Any) -> dict[str, float | None]:
        """Return a training's IoU of every class: None where it doesn't count."""
        if training.counts is not None:
            found = shared_class_ious(training.counts, void, self.absent)
        else:
            found = {name: scores.get("iou") for name, scores in (training.metrics or {}).get("classes", {}).items()}
        counted = set(self.names)
        missing = 0.0 if self.absent == "zero" else None
        return {
            name: (missing if value is None else value) if name in counted else None for name, value in found.items()
        }


def class_set(candidates: Sequence[Candidate], absent: AbsentRule) -> ClassSet:
    """Return the classes that candidates of one protocol are ranked by: those in the truth of the split.

    Without counts, a class is in the truth if it has an accuracy; where a file of an earlier version has none either,
    a class counts that all candidates have an IoU of.
    """
    trainings = [training for candidate in candidates for training in candidate.ranked]
    names = list(dict.fromkeys(name for t in trainings for name in (t.metrics or {}).get("classes", {})))
    if absent == "zero":
        return ClassSet(tuple(names), (), absent)
    known = [found for t in trainings if (found := classes_in_truth(t)) is not None]
    if known:
        counted = {name for found in known for name in found}
    else:
        classes = [(t.metrics or {}).get("classes", {}) for t in trainings]
        counted = {name for name in names if all(c.get(name, {}).get("iou") is not None for c in classes)}
    kept = tuple(name for name in names if name in counted)
    return ClassSet(kept, tuple(name for name in names if name not in counted), absent)


def classes_in_truth(training: Training) -> tuple[str, ...] | None:
    """Return the classes that the truth has pixels of; None where nothing tells."""
    if training.counts is not None:
        pixels = training.counts.total().confusion.sum(1)[:-1]
        return tuple(n for n, found in zip(training.counts.label_space.names, pixels, strict=True) if found)
    metrics = training.metrics or {}
    classes = metrics.get("classes", {})
    if metrics.get("protocol", {}).get("absent") == "zero" or not all("accuracy" in c for c in classes.values()):
        return None
    return tuple(name for name, scores in classes.items() if scores["accuracy"] is not None)


def mean(values: dict[str, float | None]) -> float | None:
    """Return the mean of those that there are, as `semantic_scores` adds them."""
    known = [value for value in values.values() if value is not None]
    return float(np.asarray(known).mean()) if known else None
