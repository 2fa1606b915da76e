"""A request for scores: which split, by which rules."""

from dataclasses import dataclass
from pathlib import Path

from sceneseg.arrays import ImageSize
from sceneseg.labels import LabelSpace
from sceneseg.records.protocol import AbsentRule, VoidRule


@dataclass(frozen=True)
class Request:
    """Request for an evaluation: the data and the rules.

    Args:
        data: Data set; None means the one the model was trained on.
        root: Its folder.
        split: Its part.
        target_size: (height, width) the network sees; None means as in training.
        void: The rule for void truth, see `SegmentationTotals`.
        device: Where the network runs.
        label_map: File that maps each class of the model to a class of the data set.
        label_space: Space to score in, or how to choose it (`sceneseg.labels.choose_space`); None: the data set's.
        absent: The rule for classes that occur in neither truth nor prediction, see `SegmentationTotals`.
        size_bands: Pixels that divide objects by their size, see `sceneseg.metrics.sizes`; None: they aren't.
    """

    data: str | None
    root: str | None
    split: str
    target_size: ImageSize | None = None
    void: VoidRule = "ignore"
    device: str = "auto"
    label_map: Path | None = None
    label_space: str | LabelSpace | None = None
    size_bands: list[int] | None = None
    absent: AbsentRule = "skip"
