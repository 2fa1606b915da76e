"""Totals of a split: its counts, summed over its images, with the rules that scores follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from sceneseg.errors import ConfigError, did_you_mean
from sceneseg.kernels.confusion import Counts
from sceneseg.labels import LabelSpace
from sceneseg.metrics.cityscapes import Floats, categories_of
from sceneseg.metrics.classification import ClassificationCounts
from sceneseg.metrics.confusion import ImageCounts, SemanticCounts
from sceneseg.records.protocol import AbsentRule, VoidRule
from sceneseg.records.scores import MetricValues


class Overlap(NamedTuple):
    """Pixels that were found, wrongly found, and missed, (G,) int64 each."""

    tp: Counts
    fp: Counts
    fn: Counts


@dataclass(frozen=True)
class SegmentationTotals:
    """Sums of a segmentation over the images of a split.

    Args:
        counts: What was counted, image by image.
        void: What a class predicted on void truth is: nothing ("ignore": Cityscapes, SegNet, ADE20K), or a false
            positive of that class in IoU, iIoU and Dice ("false_positive").
        absent: What the score of a class is whose denominator is 0, because it occurs in neither truth nor prediction
            (accuracy: not in truth): None and left out of the mean ("skip": Cityscapes), or 0, also in the mean
            ("zero": ADE20K). Instance scores always skip.

    Raises:
        ConfigError: An unknown rule.
    """

    counts: SemanticCounts
    void: VoidRule = "ignore"
    absent: AbsentRule = "skip"

    def __post_init__(self) -> None:
        for option, rule, known in (
            ("void", self.void, get_args(VoidRule)),
            ("absent", self.absent, get_args(AbsentRule)),
        ):
            if rule not in known:
                hint = did_you_mean(rule, known)
                raise ConfigError(f'{option} can\'t be "{rule}".{hint} It is one of: {", ".join(known)}.', field=option)

    @property
    def label_space(self) -> LabelSpace:
        """Label space of the train ids."""
        return self.counts.label_space

    @property
    def names(self) -> Sequence[str]:
        """Of the classes."""
        return self.label_space.names

    @cached_property
    def total(self) -> ImageCounts:
        """The counts of all images together."""
        return self.counts.total()

    @cached_property
    def classes(self) -> Overlap:
        """Of each class, (C,)."""
        return overlap(self.total.confusion, np.eye(len(self.label_space), dtype=np.int64), self.void)

    @cached_property
    def members(self) -> Counts:
        """Membership of classes in categories, (K, C) of 0 and 1."""
        numbers = categories_of(self.label_space)[: len(self.label_space)]
        return (numbers == np.arange(len(self.label_space.categories))[:, None]).astype(np.int64)

    @cached_property
    def categories(self) -> Overlap:
        """Of each category, (K,): a pixel is right when any of its classes was predicted."""
        return overlap(self.total.confusion, self.members, self.void)

    @property
    def hits(self) -> Counts:
        """Pixels of each class that were predicted so, (C,)."""
        return self.classes.tp

    @property
    def truths(self) -> Counts:
        """Pixels of each class, (C,); predicted as void, they are misses."""
        return self.classes.tp + self.classes.fn

    def counted(self, key: str) -> Counts | None:
        """Return what a metric counted itself, summed; None where some image has no such counts.

        Those of earlier versions don't, nor do counts that were brought to another label space.
        """
        return self.total.counted.get(key)

    @property
    def labeled(self) -> int:
        """Labeled pixels, of all classes."""
        return int(self.total.confusion[:-1].sum())

    @property
    def missing(self) -> float:
        """The score of a class that has none."""
        return 0.0 if self.absent == "zero" else np.nan


@dataclass(frozen=True)
class ClassificationTotals:
    """Answers to the images of a split.

    Args:
        counts: The answers, image by image.
    """

    counts: ClassificationCounts
    missing: float = np.nan

    @property
    def names(self) -> Sequence[str]:
        """Of the classes."""
        return self.counts.classes

    @cached_property
    def ranks(self) -> npt.NDArray[np.int64]:
        """Of each image, the place of its true class among the answers, 1 for the first."""
        return np.array([image.rank for image in self.counts.images.values()])

    @cached_property
    def _classes(self) -> npt.NDArray[np.int64]:
        return np.array([image.truth for image in self.counts.images.values()])

    @property
    def hits(self) -> Counts:
        """Images of each class whose first answer is right, (C,)."""
        return np.bincount(self._classes[self.ranks == 1], minlength=len(self.names))

    @property
    def truths(self) -> Counts:
        """Images of each class, (C,)."""
        return np.bincount(self._classes, minlength=len(self.names))


def overlap(confusion: Counts, members: Counts, void: VoidRule) -> Overlap:
    """Count hits, false positives and misses of groups of classes.

    Args:
        confusion: (C+1, C+1), the last row and column are void.
        members: (G, C), 1 where a class belongs to a group.
        void: What a group predicted on void truth is.
    """
    on_group = members @ confusion[:-1]  # (G, C+1), what was predicted on the group's pixels
    tp = (on_group[:, :-1] * members).sum(1)
    counted = confusion if void == "false_positive" else confusion[:-1]
    return Overlap(tp, members @ counted[:, :-1].sum(0) - tp, on_group.sum(1) - tp)


def ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any], missing: float = np.nan) -> Floats:
    """Divide, with `missing` where the whole is 0."""
    return np.divide(part, whole, out=np.full(part.shape, missing), where=whole > 0)


def mean(values: Floats) -> float | None:
    """Return the mean of the values that aren't NaN; None where all are."""
    existing = values[~np.isnan(values)]
    return float(existing.mean()) if existing.size else None


def by_name(names: Sequence[str], values: Floats) -> MetricValues:
    """Return values by name; NaN becomes None."""
    return {name: None if np.isnan(value) else float(value) for name, value in zip(names, values, strict=True)}
