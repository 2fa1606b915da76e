"""Instance-weighted counts as Cityscapes defines them: every object weighs the same, however many pixels it has.

In the iIoU (printed "nIoU" by cityscapesScripts) the pixels of an object count ``average size / its size`` each, so
that near cars don't drown far ones. True positives and misses are weighted so; false positives can't be, because
a prediction has no objects. Regions that hold several objects (groups) have no instance number and stay out.

Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016, section 4.1. The
rules and the average sizes are those of cityscapesScripts 2.3.0.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sceneseg.kernels.instances import InstanceCounts
from sceneseg.labels import IGNORE_INDEX, LabelSpace

Floats = npt.NDArray[np.float64]

AVERAGE_PIXELS = {
    "person": 3462.4756337644,
    "rider": 3930.4788056518,
    "car": 12794.0202738185,
    "truck": 27855.1264367816,
    "bus": 35732.1511111111,
    "caravan": 36771.8241758242,
    "trailer": 16926.9763313609,
    "train": 67583.7075812274,
    "motorcycle": 6298.7200839748,
    "bicycle": 4672.3249222261,
}
"""Average pixels of an object in the Cityscapes training set, by class name."""


class WeightedInstances(NamedTuple):
    """Weighted pixels of the objects of one image, or of many together; all float64.

    Args:
        tp: (C,) predicted as the object's class.
        fn: (C,) predicted otherwise.
        category_tp: (K,) predicted as a class of the object's category.
        category_fn: (K,) predicted otherwise.
    """

    tp: Floats
    fn: Floats
    category_tp: Floats
    category_fn: Floats


def average_pixels(label_space: LabelSpace, by_name: Mapping[str, float] | None = None) -> Floats:
    """Return the average pixels of an object for each class that has an instance score.

    Args:
        label_space: Its classes with `has_instances` can have one.
        by_name: Average pixels by class name; without it the published ones for the space "cityscapes", and none for
            others.

    Returns:
        (C,), NaN for a class without objects or of unknown size.
    """
    if by_name is None:
        by_name = AVERAGE_PIXELS if label_space.name == "cityscapes" else {}
    sizes = [by_name.get(c.name, np.nan) if c.has_instances else np.nan for c in label_space.classes]
    return np.array(sizes, np.float64)


def weigh_instances(found: InstanceCounts, label_space: LabelSpace, sizes: Floats) -> WeightedInstances:
    """Weigh the pixels of the objects of one image.

    What train ids can't know: cityscapesScripts scores label ids, and when a prediction holds caravan or trailer (void
    among the 19 classes), it takes them for hits of the category's objects and for false positives elsewhere, in
    the category's iIoU alone. Here they are void: misses, nowhere false. A model of 19 classes never predicts
    them, and a prediction written with ``LabelSpace.decode`` doesn't hold them; then both agree.

    Args:
        found: What was counted of each object.
        label_space: Gives the categories.
        sizes: What `average_pixels` returned.
    """
    category = categories_of(label_space)
    classes, pixels = found.classes, found.pixels
    by_train_id = np.full(256, np.nan)
    by_train_id[: len(sizes)] = sizes
    weight = np.nan_to_num(by_train_id[classes] / pixels)  # 0 for void and for classes without a size

    def total(groups: npt.NDArray[np.integer], pixels: npt.NDArray[np.int64], length: int) -> Floats:
        return np.bincount(groups, pixels * weight, minlength=256)[:length].astype(np.float64)

    c, k = len(label_space), len(label_space.categories)
    return WeightedInstances(
        total(classes, found.hits, c),
        total(classes, pixels - found.hits, c),
        total(category[classes], found.category_hits, k),
        total(category[classes], pixels - found.category_hits, k),
    )


def categories_of(label_space: LabelSpace) -> npt.NDArray[np.uint8]:
    """Return the category number of every train id, (256,); 255 for void and for classes without a category."""
    numbers = np.full(256, IGNORE_INDEX, np.uint8)
    for i, c in enumerate(label_space.classes):
        if c.category:
            numbers[i] = label_space.categories.index(c.category)
    return numbers
