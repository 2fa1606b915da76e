"""The protocol of a score: how it was measured, and when two scores can be ranked."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from sceneseg.arrays import ImageSize
from sceneseg.plain import BESIDE, as_record

VoidRule = Literal["ignore", "false_positive"]
"""What a class predicted on void truth is: nothing, or a false positive of that class."""

AbsentRule = Literal["skip", "zero"]
"""What the score of a class is that occurs in neither truth nor prediction: none, or 0."""


@dataclass(frozen=True)
class Protocol:
    """Protocol of scores; a fact is None where the file, perhaps of an earlier version, doesn't have it.

    Args:
        dataset: Registry name of the data set.
        split: Its part, such as "val".
        images: Number of scored images.
        split_hash: Of their names, in order; 16 hexadecimal digits.
        labels_hash: Of the labels' contents, "NAMES-CONTENTS"; tells of other labels for the same images.
        label_space: Name of the classes that are scored.
        size: (height, width) of the labels in pixels, in files of early versions.
        scored_at: At which size predictions and labels are compared.
        void: Rule for void truth.
        absent: Rule for classes that occur in neither truth nor prediction; None means "skip".
        scorer: Program and version.
        part: "5 of 100 images", where only some of the split were scored.
        input_size: (height, width) in pixels that the network saw; "native" where images had their own.
        precision: Of the network, such as "32-true".
        window: What the network saw at once, such as "whole image".
        tta: Test-time augmentation.
        label_map: "MODEL -> DATA", where the model's classes were mapped to those of the data.
        counted_in: Label space of the counts, where scores were taken in another.
        task: "classification"; None for segmentation.
        number_of_classes: Of a classifier.
        others: Facts that this version doesn't know.

    Example:
        >>> val = Protocol(dataset="camvid", split="val", images=101, void="ignore")
        >>> val.differs_from(Protocol(dataset="camvid", split="test", images=233, void="ignore"))
        {'split': ('val', 'test'), 'images': (101, 233)}
    """

    dataset: str | None = None
    split: str | None = None
    images: int | None = None
    split_hash: str | None = None
    labels_hash: str | None = None
    label_space: str | None = None
    size: ImageSize | None = None
    scored_at: str | None = None
    void: VoidRule | None = None
    absent: AbsentRule | None = None
    scorer: str | None = None
    part: str | None = None
    input_size: Literal["native"] | ImageSize | None = None
    precision: str | None = None
    window: str | None = None
    tta: str | None = None
    label_map: str | None = None
    counted_in: str | None = None
    task: str | None = None
    number_of_classes: int | None = None
    others: dict[str, object] = field(default_factory=dict, metadata=BESIDE, hash=False)

    @classmethod
    def from_dict(cls, data: Any, key: str = "protocol.") -> Self:
        """Read plain data; facts that aren't known stay in `others`.

        Args:
            data: A mapping, as in metrics.json.
            key: Where it lies, for messages.

        Raises:
            UnfitError: A fact is of another type.
        """
        protocol: Self = as_record(cls, data, key)
        return protocol

    def to_dict(self) -> dict[str, object]:
        """Return what is known as plain data, in the order of the file."""
        known = [f.name for f in fields(self) if f.name != "others"]
        order = dict.fromkeys([*CLASSIFICATION, *known] if self.task else known)
        values = {name: getattr(self, name) for name in order}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return {name: value for name, value in plain.items() if value is not None} | self.others

    def differs_from(self, other: "Protocol") -> dict[str, tuple[Any, Any]]:
        """Return the facts that must be alike for scores to be ranked, and aren't: name -> (own, other's).

        The input size and the precision may differ: they belong to the model, as scores are at the labels' own size.
        """
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in MEASURED_BY}
        return {name: pair for name, pair in pairs.items() if _usual(name, pair[0]) != _usual(name, pair[1])}

    def has_other_labels(self, other: "Protocol") -> bool:
        """Return whether two scores are known to be measured against different labels of the same images.

        That isn't known of scores of versions without `labels_hash`, nor of counts made in unlike label spaces,
        such as those of 19 classes and those of the 7 categories that they were joined to.
        """
        (names, _, contents), (theirs, _, other_contents) = (
            (one.labels_hash or "").partition("-") for one in (self, other)
        )
        return bool(contents and other_contents) and names == theirs and contents != other_contents


CLASSIFICATION = (
    *("task", "dataset", "split", "images", "split_hash", "number_of_classes"),
    *("input_size", "window", "tta", "precision", "scorer"),
)
"""Order of a classifier's facts in a file, ahead of the others; for segmentation it is that of the fields."""

MEASURED_BY = (
    *("dataset", "split", "images", "split_hash", "label_space", "size", "scored_at"),
    *("void", "absent", "scorer", "window", "tta", "label_map"),
)
"""What of a protocol must be alike, so that scores can be ranked."""
USUAL = {"absent": "skip"}
"""Behavior of early versions, whose protocols don't have it."""


def _usual(name: str, value: Any) -> Any:
    return USUAL.get(name, "none") if value is None else value
