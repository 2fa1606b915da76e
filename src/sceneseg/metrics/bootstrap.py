"""Bootstrap intervals of a mean IoU and of the difference of two: the split's images are drawn anew.

A split is a sample of all images there could be. Drawn anew with replacement, it gives another mean IoU; the middle
95 % of thousands of such draws are the interval. Models scored on the same images are drawn together (paired): what
makes an image hard makes it hard for both and drops out of their difference, which is why the interval of a
difference is much narrower than the two models' own intervals suggest.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6 and 13 (percentile intervals).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sceneseg.errors import DataError
from sceneseg.kernels.confusion import Counts
from sceneseg.metrics.cityscapes import Floats
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.totals import Overlap
from sceneseg.records.protocol import AbsentRule, VoidRule

RESAMPLES = 5000
LEVEL = 0.95
CHUNK = 500
"""Resamples computed at once: 150 classes and 2000 images then need some 10 MB."""


class Bounds(NamedTuple):
    """The ends of an interval, in the unit of the score."""

    low: float
    high: float


@dataclass(frozen=True)
class Bootstrap:
    """Mean IoU of models in resamples of the same images.

    Args:
        scores: (M, R), model by resample.
        level: Part of the resamples that lies inside an interval.
    """

    scores: Floats
    level: float = LEVEL

    def interval(self, model: int) -> Bounds | None:
        """Return the interval of a model's mean IoU; None where no image has a labeled pixel."""
        return self._middle(self.scores[model])

    def difference(self, model: int, other: int) -> Bounds | None:
        """Return the interval of how far `model` is above `other`; None as in `interval`."""
        return self._middle(self.scores[model] - self.scores[other])

    def _middle(self, values: Floats) -> Bounds | None:
        outside = (1 - self.level) / 2
        known = values[~np.isnan(values)]
        if not known.size:
            return None
        low, high = np.quantile(known, [outside, 1 - outside])
        return Bounds(float(low), float(high))


def bootstrap(
    models: Sequence[Sequence[SemanticCounts]],
    *,
    void: VoidRule = "ignore",
    absent: AbsentRule = "skip",
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Bootstrap:
    """Score models on resamples of the images that all of them were scored on.

    Where a model was trained several times (from other seeds), one of its trainings is drawn for each resample, so
    that the interval also holds what the seed does; and its score is that of a training, not of an average.

    Args:
        models: The counts of each model's trainings, one or more.
        void: The rule for void truth, see `sceneseg.metrics.totals.SegmentationTotals`.
        absent: The rule for classes that aren't in the truth, see `resampled_mean_iou`.
        resamples: How many.
        level: Part of the resamples that lies inside an interval.
        seed: The same seed draws the same resamples.

    Raises:
        DataError: They were scored on other images or in other classes.
    """
    _check_alike([counts for trainings in models for counts in trainings])
    rng = np.random.default_rng(seed)
    weights = draw_images(len(models[0][0]), resamples, rng)
    scores = []
    for trainings in models:
        each = np.stack([resampled_mean_iou(counts, weights, void, absent) for counts in trainings])  # (S, R)
        drawn = rng.integers(len(trainings), size=resamples)
        scores.append(each[drawn, np.arange(resamples)])
    return Bootstrap(np.stack(scores), level)


def draw_images(images: int, resamples: int, rng: np.random.Generator) -> Counts:
    """Draw as many images as there are, with replacement; return how often each came, (R, N)."""
    return rng.multinomial(images, np.full(images, 1 / images), size=resamples).astype(np.int64)


def resampled_mean_iou(
    counts: SemanticCounts, weights: Counts, void: VoidRule = "ignore", absent: AbsentRule = "skip"
) -> Floats:
    """Return the mean IoU of every resample over classes that are the same for all models.

    These are, in each resample, the classes in its truth: a rare class is left out where none of its images was drawn,
    also for a model that predicts it elsewhere, as another model that doesn't would have no score of it.

    Args:
        counts: N images.
        weights: (R, N), how often each image, in the order of `counts.names`, is in each resample.
        void: The rule for void truth.
        absent: "skip", or "zero": a class that isn't in a resample's truth counts 0 in its mean.

    Returns:
        (R,), NaN where no class is left.
    """
    found = zip(*(class_overlap(matrices, void) for matrices in counts.matrices()), strict=True)
    tp, fp, fn = (np.concatenate(part).astype(np.float64) for part in found)  # (N, C), exact below 2^53
    means = []
    for start in range(0, len(weights), CHUNK):
        drawn = weights[start : start + CHUNK].astype(np.float64)
        hits = drawn @ tp
        truth = hits + drawn @ fn
        exist = truth > 0
        iou = np.divide(hits, truth + drawn @ fp, out=np.zeros_like(hits), where=exist)
        classes = exist.sum(1) if absent == "skip" else np.full(len(drawn), hits.shape[1])
        means.append(np.divide(iou.sum(1), classes, out=np.full(len(drawn), np.nan), where=classes > 0))
    return np.concatenate(means)


def class_overlap(confusion: Counts, void: VoidRule) -> Overlap:
    """Count hits, false positives and misses of the classes in many matrices at once.

    Args:
        confusion: (N, C+1, C+1).
        void: What a class predicted on void truth is.

    Returns:
        Three times (N, C).
    """
    counted = confusion if void == "false_positive" else confusion[:, :-1]
    tp: npt.NDArray[np.int64] = np.diagonal(confusion, axis1=1, axis2=2)[:, :-1].copy()  # no view of all of it
    return Overlap(tp, counted[:, :, :-1].sum(1) - tp, confusion[:, :-1].sum(2) - tp)


def _check_alike(counts: Sequence[SemanticCounts]) -> None:
    first = counts[0]
    for other in counts[1:]:
        if other.names != first.names:
            odd = sorted(set(other.names) ^ set(first.names))
            raise DataError(
                f"Expected counts of the same images, found {len(odd)} that only some models were scored on, for "
                f"example {odd[0]}. Score all models on one split with `sceneseg evaluate`."
            )
        if other.label_space.names != first.label_space.names:
            raise DataError(
                f'Expected counts in the same classes, found "{first.label_space.name}" and '
                f'"{other.label_space.name}". Score both in one label space.'
            )
    if not len(first):
        raise DataError("The counts hold no image, so there is nothing to draw from. Evaluate again.")
