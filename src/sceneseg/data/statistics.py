"""How often each class occurs in a data set, and the class weights that follow from it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sceneseg.data.scene import SceneDataset
from sceneseg.errors import ConfigError, DataError, did_you_mean


@dataclass(frozen=True)
class ClassCounts:
    """Pixels per class of a split.

    Args:
        pixels: (C + 1,) int64, the last is void.
        pixels_where_present: (C,) int64, labelled and void pixels of the images that contain the class.
        images: (C,) int64, images that contain the class.
    """

    pixels: npt.NDArray[np.int64]
    pixels_where_present: npt.NDArray[np.int64]
    images: npt.NDArray[np.int64]


def count_classes(dataset: SceneDataset) -> ClassCounts:
    """Count the pixels of every class over a whole split."""
    classes = len(dataset.label_space)
    rows = []
    for i in range(len(dataset)):
        labels = dataset.read_labels(i)
        if labels is None:
            raise DataError(f"{dataset.name}: the {dataset.split} split has no labels to count.")
        counts = np.bincount(labels.ravel(), minlength=256)
        rows.append(np.append(counts[:classes], counts[255]))
    table = np.stack(rows)
    present = table[:, :classes] > 0
    where_present = (table.sum(1, keepdims=True) * present).sum(0)
    return ClassCounts(table.sum(0), where_present, present.sum(0))


def _median(counts: ClassCounts) -> npt.NDArray[np.float64]:
    frequency = counts.pixels[:-1] / np.maximum(counts.pixels_where_present, 1)
    return np.median(frequency[frequency > 0]) / np.maximum(frequency, 1e-12)


def _enet(counts: ClassCounts) -> npt.NDArray[np.float64]:
    return 1 / np.log(1.02 + counts.pixels[:-1] / counts.pixels[:-1].sum())


def _inverse(counts: ClassCounts) -> npt.NDArray[np.float64]:
    return counts.pixels[:-1].sum() / np.maximum(counts.pixels[:-1], 1)


RULES: dict[str, Callable[[ClassCounts], npt.NDArray[np.float64]]] = {
    "median": _median,
    "enet": _enet,
    "inverse": _inverse,
}
"""median: median frequency balancing (Eigen and Fergus, ICCV 2015); enet: 1 / ln(1.02 + p) (Paszke et al., 2016);
inverse: total over class pixels."""


def class_weights(counts: ClassCounts, rule: str) -> list[float]:
    """Return a weight per class by one of `RULES`; a class without pixels gets 0.

    Raises:
        ConfigError: There is no such rule.
    """
    if rule not in RULES:
        raise ConfigError(
            f'There is no rule "{rule}" for class weights.{did_you_mean(rule, RULES)} Known: {", ".join(RULES)}.'
        )
    weights = np.where(counts.images > 0, RULES[rule](counts), 0.0)
    return [float(w) for w in weights]
