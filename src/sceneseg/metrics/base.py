"""Base class of metrics: a score in [0, 1] of a split, computed from exact counts."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar

from sceneseg.arrays import LabelArray
from sceneseg.kernels.confusion import Counts
from sceneseg.labels import LabelSpace
from sceneseg.records.scores import MetricValues


class Totals(Protocol):
    """The counts of a split, summed over its images: what the metrics of every task can read."""

    @property
    def names(self) -> Sequence[str]:
        """Of the classes."""
        ...

    @property
    def hits(self) -> Counts:
        """Of each class, what was recognized: pixels, or images; (C,)."""
        ...

    @property
    def truths(self) -> Counts:
        """Of each class, what there is, (C,)."""
        ...

    @property
    def missing(self) -> float:
        """The score of a class that has none: NaN, or 0 where the rule for absent classes says so."""
        ...


T = TypeVar("T", bound=Totals, contravariant=True)


@dataclass(frozen=True)
class MetricResult:
    """A metric of a split; values are in [0, 1], None where there is none.

    Args:
        mean: Of the whole split.
        classes: Of each class by name, where the metric has a `class_key`.
        categories: Of each category by name, where it has a `category_key`.
    """

    mean: float | None
    classes: MetricValues = field(default_factory=dict)
    categories: MetricValues = field(default_factory=dict)


class Metric(ABC, Generic[T]):
    """A score that tables, pages, `history.csv` and the choice of the best weights go by.

    Adding one is one file with a subclass and ``@register``; its name is its key in files. A metric that needs more
    than the confusion matrix counts it in `count`: exact integers per image, which are stored beside the matrix, summed
    over images and processes, and found again under its key.

    Example:
        >>> import numpy as np
        >>> class FrequencyWeightedIoU(Metric):
        ...     key, label = "frequency_weighted_iou", "Frequency-weighted IoU"
        ...
        ...     def compute(self, totals):
        ...         union = totals.classes.tp + totals.classes.fp + totals.classes.fn
        ...         iou = totals.hits / np.maximum(union, 1)
        ...         return MetricResult(float(iou @ totals.truths / totals.truths.sum()))
    """

    key: ClassVar[str]
    """Name in files and on the shelf, such as "mean_iou"."""
    label: ClassVar[str]
    """Name for people, such as "Mean IoU"."""
    unit: ClassVar[str] = "%"
    """In which values are shown; they are stored in [0, 1]."""
    tasks: ClassVar[tuple[str, ...]] = ("semantic",)
    """Tasks that have it."""
    order: ClassVar[int] = 100
    """Place in tables and files; that of built-in ones is below 100."""
    class_key: ClassVar[str | None] = None
    """Key of its value for a single class, such as "iou"; None where it has none."""
    category_key: ClassVar[str | None] = None
    """Key of its value for a category of classes; None where it has none."""
    class_label: ClassVar[str] = ""
    """Name of the value for a class or category, such as "IoU"."""
    heading: ClassVar[str | None] = None
    """Its column in the printed table of classes; None leaves it out."""
    has_line: ClassVar[bool] = True
    """Whether its mean has a line of its own below the printed table."""
    in_history: ClassVar[bool] = False
    """Whether `history.csv` has a column for it."""
    is_headline: ClassVar[bool] = False
    """Whether it stands for a split where there is room for a few figures."""
    needs_categories: ClassVar[bool] = False
    """Whether only label spaces with categories have it."""
    needs_instances: ClassVar[bool] = False
    """Whether only label spaces and data sets with single objects have it."""

    @property
    def in_words(self) -> str:
        """Its label within a sentence, such as "mean IoU"."""
        return self.label[0].lower() + self.label[1:]

    def suits(self, label_space: LabelSpace) -> bool:
        """Return whether data of a label space can have it."""
        with_instances = any(c.has_instances for c in label_space.classes)
        return (with_instances or not self.needs_instances) and bool(
            label_space.categories or not self.needs_categories
        )

    def count(self, labels: LabelArray, prediction: LabelArray, num_classes: int) -> Counts | None:
        """Count one image, where the confusion matrix isn't enough.

        Args:
            labels: (H, W) uint8 train ids at native size, 255 where void.
            prediction: (H, W) uint8 train ids.
            num_classes: Of the label space.

        Returns:
            int64, of the same shape for every image; None needs nothing but the matrix.
        """
        return None

    @abstractmethod
    def compute(self, totals: T) -> MetricResult:
        """Compute the metric of a split.

        Args:
            totals: A `SegmentationTotals` or a `ClassificationTotals`, by the task.
        """
