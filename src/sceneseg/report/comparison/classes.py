"""Classes of a comparison's page: the IoU of every class by every candidate, and objects by size."""

from collections.abc import Sequence
from dataclasses import dataclass

from sceneseg.report.comparison.results import RankedCandidate

BANDS = ("small objects, under 32 × 32 pixels", "medium, under 96 × 96", "large")


@dataclass(frozen=True)
class ClassRow:
    """A class by every candidate.

    Args:
        name: Of the class.
        ious: By name of the candidate, in [0, 1]; None where it has none.
        best: The highest.
        spread: Difference between the highest and the lowest.
    """

    name: str
    ious: dict[str, float | None]
    best: float
    spread: float


def class_rows(rows: Sequence[RankedCandidate]) -> list[ClassRow]:
    """Return the classes that any candidate has an IoU of."""
    found = []
    for name in rows[0].classes if rows else ():
        ious = {row.name: row.classes.get(name) for row in rows}
        known = [iou for iou in ious.values() if iou is not None]
        if known:
            found.append(ClassRow(name, ious, max(known), max(known) - min(known)))
    return found
