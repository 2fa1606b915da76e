"""The classes that a comparison's means are over: one set for all candidates, as a mean over others can't be ranked."""

from collections.abc import Sequence

import numpy as np

from sceneseg.metrics.semantic import shared_class_ious
from sceneseg.records.scores import AbsentRule
from sceneseg.report.comparison.candidates import Candidate, CandidateRun
from sceneseg.report.comparison.results import ClassSet


def class_set(candidates: Sequence[Candidate], absent: AbsentRule) -> ClassSet:
    """Return the classes that candidates of one protocol are ranked by: those in the labels of the split.

    Without counts, a class is in the labels if it has an accuracy; where a file of an earlier version has none either,
    a class counts that all candidates have an IoU of.
    """
    runs = [run for candidate in candidates for run in candidate.ranked]
    names = list(dict.fromkeys(name for run in runs for name in run.classes))
    if absent == "zero":
        return ClassSet(tuple(names), (), absent)
    known = [found for run in runs if (found := labeled_classes(run)) is not None]
    if known:
        counted = {name for found in known for name in found}
    else:
        counted = {name for name in names if all(run.classes.get(name, {}).get("iou") is not None for run in runs)}
    return ClassSet(
        tuple(name for name in names if name in counted), tuple(name for name in names if name not in counted), absent
    )


def labeled_classes(run: CandidateRun) -> tuple[str, ...] | None:
    """Return the classes that the labels have pixels of; None where nothing tells."""
    if run.counts is not None:
        pixels = run.counts.total().confusion.sum(1)[:-1]
        return tuple(n for n, found in zip(run.counts.label_space.names, pixels, strict=True) if found)
    if run.protocol.absent == "zero" or not all("accuracy" in scores for scores in run.classes.values()):
        return None
    return tuple(name for name, scores in run.classes.items() if scores.get("accuracy") is not None)


def class_ious(classes: ClassSet, run: CandidateRun) -> dict[str, float | None]:
    """Return a run's IoU of every class of its label space; None where it doesn't count."""
    if run.counts is not None:
        found = shared_class_ious(run.counts, run.void, classes.absent)
    else:
        found = {name: scores.get("iou") for name, scores in run.classes.items()}
    counted = set(classes.names)
    missing = 0.0 if classes.absent == "zero" else None
    return {name: (missing if value is None else value) if name in counted else None for name, value in found.items()}


def mean(values: dict[str, float | None]) -> float | None:
    """Return the mean of the values that are known, as `semantic_scores` adds them.

    Example:
        >>> mean({"road": 0.5, "train": None, "car": 0.25})
        0.375
    """
    known = [value for value in values.values() if value is not None]
    return float(np.asarray(known).mean()) if known else None
