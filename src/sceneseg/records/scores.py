"""Scores and the protocol they were measured by: the contents of metrics.json.

How the file is read: one without a `format` number is of format 1, which every version so far writes. Within it, facts
of the protocol, scores and further keys that this version doesn't know are kept as they are and written again; a file
of a higher format is refused with the advice to update.
"""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from sceneseg.arrays import ImageSize
from sceneseg.errors import RunError
from sceneseg.plain import UnfitError, as_record
from sceneseg.records.run_directory import read_json, write_json

FORMAT = 1
VoidRule = Literal["ignore", "false_positive"]
"""What a class predicted on void truth is: nothing, or a false positive of that class."""

AbsentRule = Literal["skip", "zero"]
"""What the score of a class is that occurs in neither truth nor prediction: none, or 0."""

MetricValues = dict[str, float | None]
"""Key of a metric -> value in [0, 1]; None where it can't be said, as for a class without a pixel."""

MEANS = (
    *("mean_iou", "mean_iiou", "mean_category_iou", "mean_category_iiou", "mean_dice"),
    *("pixel_accuracy", "class_accuracy", "top1", "top5"),
)
"""Keys of a file that must be numbers or null; every other number in it is a mean, too."""


@dataclass(frozen=True)
class Protocol:
    """How scores were measured; a fact is None where the file, perhaps of an earlier version, doesn't tell it.

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
        input_size: (height, width) in pixels that the network saw; "native" where images kept their own.
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
    others: dict[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def from_dict(cls, data: Any, key: str = "protocol.") -> Self:
        """Read plain data; facts that aren't known stay in `others`.

        Args:
            data: A mapping, as in metrics.json.
            key: Where it lies, for messages.

        Raises:
            UnfitError: A fact is of another type.
        """
        found: dict[str, Any] = as_record(dict[str, Any], data, key)
        known = {f.name for f in fields(cls)} - {"others"}
        given = {name: value for name, value in found.items() if name in known}
        others = {name: value for name, value in found.items() if name not in known}
        protocol: Self = as_record(cls, given | {"others": others}, key)
        return protocol

    def to_dict(self) -> dict[str, Any]:
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

        That isn't known of scores of versions that kept no `labels_hash`, nor of counts made in unlike label spaces,
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
"""What an early version did, whose protocols don't say it."""


def _usual(name: str, value: Any) -> Any:
    return USUAL.get(name, "none") if value is None else value


@dataclass(frozen=True)
class BandScores:
    """What became of the objects of one size; scores are in [0, 1].

    Args:
        objects: How many there are.
        recall: Mean part of an object's pixels that got its class; None without objects.
        found: Part of the objects of which half or more did; None without objects.
    """

    objects: int
    recall: float | None = None
    found: float | None = None


@dataclass(frozen=True)
class SizeBands:
    """Scores of single objects by their size; bands go from small to large.

    Args:
        edges: Pixels at which one band ends and the next begins; n edges make n + 1 bands.
        all: Of all objects together.
        classes: Class by class.
    """

    edges: list[int]
    all: list[BandScores]
    classes: dict[str, list[BandScores]]


@dataclass(frozen=True)
class Origin:
    """What scores in a run were made with.

    Args:
        weights_sha256: Of the weights file, hexadecimal; None where there was none.
        root: Folder of the data.
        target_size: (height, width) in pixels that was asked for.
        void: Rule for void truth that was asked for; None for scores of the counts of the training itself.
        label_map: File that maps the model's classes.
        absent: Rule for absent classes, where it wasn't "skip".
    """

    weights_sha256: str | None = None
    root: str | None = None
    target_size: ImageSize | None = None
    void: VoidRule | None = None
    label_map: str | None = None
    absent: AbsentRule | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, in the order of the file."""
        if self.void is None:
            return {"weights_sha256": self.weights_sha256}
        size = None if self.target_size is None else list(self.target_size)
        plain = {"weights_sha256": self.weights_sha256, "root": self.root, "target_size": size, "void": self.void}
        return plain | {"label_map": self.label_map} | ({"absent": self.absent} if self.absent else {})


@dataclass(frozen=True)
class Scores:
    """All scores of a split, with their protocol; values are in [0, 1].

    Args:
        means: Scores of the whole split, such as mean_iou.
        classes: Those of each class: name -> iou, iiou, dice, accuracy.
        categories: Those of each category: name -> iou, iiou; empty for label spaces without categories.
        protocol: How they were measured.
        size_bands: Those of single objects by their size, if that was asked for.
        origin: What they were made with, for those kept under ``evaluations``.
        others: What the file holds that this version doesn't know.

    Example:
        >>> scores = Scores({"mean_iou": 0.5}, {"road": {"iou": 0.5}}, protocol=Protocol(dataset="camvid"))
        >>> scores.to_dict()
        {'protocol': {'dataset': 'camvid'}, 'mean_iou': 0.5, 'classes': {'road': {'iou': 0.5}}, 'categories': {}}
    """

    means: MetricValues
    classes: dict[str, MetricValues] = field(default_factory=dict)
    categories: dict[str, MetricValues] = field(default_factory=dict)
    protocol: Protocol = field(default_factory=Protocol)
    size_bands: SizeBands | None = None
    origin: Origin | None = None
    others: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read the contents of metrics.json.

        Raises:
            UnfitError: It is something else.
        """
        if not isinstance(data, dict):
            raise UnfitError(f"the file must be a mapping, found a {type(data).__name__}")
        rest = {key: value for key, value in data.items() if key not in PARTS}
        means = {key: value for key, value in rest.items() if key in MEANS or isinstance(value, float)}
        groups = {key: _group(data.get(key, {}), f"{key}.") for key in ("classes", "categories")}
        return cls(
            {key: as_record(float | None, value, key) for key, value in means.items()},
            **groups,
            protocol=Protocol.from_dict(data.get("protocol", {})),
            size_bands=as_record(SizeBands | None, data.get("size_bands"), "size_bands."),
            origin=as_record(Origin | None, data.get("origin"), "origin."),
            others={key: value for key, value in rest.items() if key not in means},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the contents of metrics.json; its order is the same in every version."""
        plain = {"protocol": self.protocol.to_dict(), **self.means, "classes": self.classes}
        if self.categories or self.protocol.task is None:
            plain["categories"] = self.categories
        plain |= self.others
        if self.size_bands is not None:
            plain["size_bands"] = asdict(self.size_bands)
        return plain | ({} if self.origin is None else {"origin": self.origin.to_dict()})


PARTS = ("protocol", "classes", "categories", "size_bands", "origin", "format")
"""Keys of a file that are neither means nor unknown."""


def _group(data: Any, key: str) -> dict[str, MetricValues]:
    group: dict[str, MetricValues] = as_record(dict[str, MetricValues], data, key)
    return group


def read_scores(path: Path) -> Scores:
    """Read metrics.json; what isn't there is None or empty.

    Raises:
        RunError: The file is missing, holds something else, or is of a newer version.
    """
    data = read_json(path)
    if isinstance(data, dict) and data.get("format", FORMAT) != FORMAT:
        raise RunError(f"{path}: written by a newer sceneseg (format {data['format']!r}). Update sceneseg.")
    try:
        return Scores.from_dict(data)
    except UnfitError as error:
        raise RunError(
            f"{path}: expected scores as `sceneseg evaluate` writes them; {error}. Evaluate again."
        ) from None


def write_scores(path: Path, scores: Scores) -> None:
    """Write metrics.json, whole or not at all."""
    write_json(path, scores.to_dict())
