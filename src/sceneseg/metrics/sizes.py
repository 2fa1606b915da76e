"""Scores by the size of objects: what a model sees of small ones, which the IoU of a class hides behind large ones.

An object's recall is the part of its pixels that got its class; it is found when that is half or more. Every object
weighs the same, as in the iIoU. False positives stay out, since a prediction has no objects and so no sizes: these
are recalls, to be read with the IoU, not in its place.

Source: the usual bands (below 32², up to 96², larger) are those of Lin et al., "Microsoft COCO", ECCV 2014.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sceneseg.errors import ConfigError, RunError
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.records.scores import BandScores, SizeBands

COCO_EDGES = (32**2, 96**2)
FOUND = 0.5


def size_bands(counts: SemanticCounts, edges: Sequence[int] = COCO_EDGES) -> SizeBands:
    """Score the objects of a data set by their size.

    Args:
        counts: With objects.
        edges: Pixels at which one band ends and the next begins, ascending; n edges make n + 1 bands.

    Raises:
        ConfigError: The edges don't ascend.
        RunError: The counts hold no objects.
    """
    if list(edges) != sorted(set(edges)) or not edges or min(edges) < 1:
        given = " ".join(map(str, edges)) or "nothing"
        raise ConfigError(
            f"The edges of size bands must be pixels that ascend, as in 1024 9216: {given}.", field="size_bands"
        )
    images = [image.objects for image in counts.images.values()]
    if not images or any(objects is None for objects in images):
        raise RunError(
            "The counts keep no single objects: the data set has no instance numbers, or the counts are older than "
            "size bands. Score a data set with instances again, with its weights.",
            field="size_bands",
        )
    classes, pixels, hits = (
        np.concatenate([getattr(objects, key) for objects in images]) for key in ("classes", "pixels", "hits")
    )
    band = np.searchsorted(np.array(edges), pixels, side="right")
    things = [i for i, c in enumerate(counts.label_space.classes) if c.has_instances]
    recall = hits / pixels

    def bands(chosen: npt.NDArray[np.bool_]) -> list[BandScores]:
        return [_scores(recall[chosen & (band == number)]) for number in range(len(edges) + 1)]

    named = {counts.label_space.names[i]: bands(classes == i) for i in things}
    return SizeBands(list(edges), bands(np.isin(classes, things)), named)


def band_names(edges: Sequence[int]) -> list[str]:
    """Return the bands in words, pixels: "< 1,024", "1,024 – 9,215", "≥ 9,216"."""
    middle = [f"{low:,} – {high - 1:,}" for low, high in itertools.pairwise(edges)]
    return [f"< {edges[0]:,}", *middle, f"≥ {edges[-1]:,}"]


def _scores(recall: npt.NDArray[np.float64]) -> BandScores:
    if not recall.size:
        return BandScores(0)
    return BandScores(int(recall.size), float(recall.mean()), float((recall >= FOUND).mean()))
