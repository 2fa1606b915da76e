"""Scores with their protocol: the contents of metrics.json.

How the file is read: one without a `format` number is of format 1, which every version so far writes. Within it, facts
of the protocol, scores and further keys that this version doesn't have are stored as they are and written again; a file
of a higher format is refused with the advice to update.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from sceneseg.arrays import ImageSize
from sceneseg.errors import RunError
from sceneseg.plain import BESIDE, UnfitError, as_record
from sceneseg.records.protocol import AbsentRule, Protocol, VoidRule
from sceneseg.records.run_directory import read_json, write_json

FORMAT = 1
MetricValues = dict[str, float | None]
"""Key of a metric -> value in [0, 1]; None where it isn't defined, as for a class without a pixel."""

MEANS = (
    *("mean_iou", "mean_iiou", "mean_category_iou", "mean_category_iiou", "mean_dice"),
    *("pixel_accuracy", "class_accuracy", "top1", "top5"),
)
"""Keys of a file that must be numbers or null; every other number or null in it is a mean, too, of whatever metric."""


@dataclass(frozen=True)
class BandScores:
    """Scores of the objects of one size, in [0, 1].

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

    Example:
        >>> bands = SizeBands([1024], [BandScores(3, 0.25, 0.0), BandScores(2, 0.75, 1.0)], {})
        >>> [band.recall for band in bands.all]
        [0.25, 0.75]
    """

    edges: list[int]
    all: list[BandScores]
    classes: dict[str, list[BandScores]]


@dataclass(frozen=True)
class Origin:
    """Origin of the scores in a run.

    Args:
        weights_sha256: Of the weights file, hexadecimal; None where there was none.
        root: Folder of the data.
        target_size: (height, width) in pixels that was asked for.
        void: Rule for void truth that was asked for; None for scores of the counts of the training itself.
        label_map: File that maps the model's classes.
        absent: Rule for absent classes, where it wasn't "skip".

    Example:
        >>> Origin("3fa9", "/data/camvid", void="ignore").to_dict()["target_size"] is None
        True
    """

    weights_sha256: str | None = None
    root: str | None = None
    target_size: ImageSize | None = None
    void: VoidRule | None = None
    label_map: str | None = None
    absent: AbsentRule | None = None

    def to_dict(self) -> dict[str, object]:
        """Return it as plain data, in the order of the file."""
        if self.void is None:
            return {"weights_sha256": self.weights_sha256}
        size = None if self.target_size is None else list(self.target_size)
        plain: dict[str, object] = {"weights_sha256": self.weights_sha256, "root": self.root, "target_size": size}
        plain |= {"void": self.void, "label_map": self.label_map}
        return plain | ({"absent": self.absent} if self.absent else {})


@dataclass(frozen=True)
class Scores:
    """All scores of a split, with their protocol; values are in [0, 1].

    Args:
        means: Scores of the whole split, such as mean_iou.
        classes: Those of each class: name -> iou, iiou, dice, accuracy.
        categories: Those of each category: name -> iou, iiou; empty for label spaces without categories.
        protocol: How they were measured.
        size_bands: Those of single objects by their size, if that was asked for.
        origin: What they were made with, for those stored under ``evaluations``.
        others: What the file holds that this version doesn't know.

    Example:
        >>> scores = Scores({"mean_iou": 0.5}, {"road": {"iou": 0.5}}, protocol=Protocol(dataset="camvid"))
        >>> scores.to_dict()
        {'protocol': {'dataset': 'camvid'}, 'mean_iou': 0.5, 'classes': {'road': {'iou': 0.5}}, 'categories': {}}
    """

    means: MetricValues = field(metadata=BESIDE)
    classes: dict[str, MetricValues] = field(default_factory=dict)
    categories: dict[str, MetricValues] = field(default_factory=dict)
    protocol: Protocol = field(default_factory=Protocol)
    size_bands: SizeBands | None = None
    origin: Origin | None = None
    others: dict[str, object] = field(default_factory=dict, metadata=BESIDE)

    def __getitem__(self, metric: str) -> float | None:
        """Return a score of the whole split by the metric's key."""
        return self.means[metric]

    def get(self, metric: str) -> float | None:
        """Return a score of the whole split; None where there is none of that key."""
        return self.means.get(metric)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read the contents of metrics.json.

        Raises:
            UnfitError: It is something else.
        """
        if not isinstance(data, dict):
            raise UnfitError(f"the file must be a mapping, found a {type(data).__name__}")
        rest = {key: value for key, value in data.items() if key not in PARTS}
        means = {key: value for key, value in rest.items() if key in MEANS or value is None or isinstance(value, float)}
        groups = {key: _group(data.get(key, {}), f"{key}.") for key in ("classes", "categories")}
        return cls(
            {key: as_record(float | None, value, key) for key, value in means.items()},
            **groups,
            protocol=Protocol.from_dict(data.get("protocol", {})),
            size_bands=as_record(SizeBands | None, data.get("size_bands"), "size_bands."),
            origin=as_record(Origin | None, data.get("origin"), "origin."),
            others={key: value for key, value in rest.items() if key not in means},
        )

    def to_dict(self) -> dict[str, object]:
        """Return the contents of metrics.json; its order is the same in every version."""
        plain: dict[str, object] = {"protocol": self.protocol.to_dict(), **self.means, "classes": self.classes}
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

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_scores(Path(folder, "metrics.json"), Scores({"mean_iou": 0.5}))
        ...     read_scores(Path(folder, "metrics.json")).means
        {'mean_iou': 0.5}
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
