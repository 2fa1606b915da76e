"""Counts in another label space, without running the model again."""

import re

import numpy as np
import numpy.typing as npt

from sceneseg.kernels.confusion import Counts
from sceneseg.kernels.instances import InstanceCounts
from sceneseg.labels import IGNORE_INDEX, LabelSpace
from sceneseg.metrics.cityscapes import WeightedInstances, categories_of
from sceneseg.metrics.confusion import ImageCounts, SemanticCounts
from sceneseg.records.protocol import Protocol
from sceneseg.records.run_directory import RunDirectory


def regroup(counts: SemanticCounts, space: LabelSpace) -> SemanticCounts:
    """Return counts as they would be in a label space whose classes are made of those that were counted.

    A class has its instance score, and its objects, only where they can be known: it is a class of the counts, or a
    whole category.

    Args:
        counts: With the label space that they were made in.
        space: The other one.

    Raises:
        ConfigError: It separates what was counted together.
    """
    own = counts.label_space
    table = own.train_ids_in(space)
    numbers = np.append(table[: len(own)], table[IGNORE_INDEX]).astype(np.int64)
    numbers[numbers == IGNORE_INDEX] = len(space)
    join = (np.arange(len(space) + 1)[:, None] == numbers).astype(np.int64)  # (C'+1, C+1)
    members = (join[:-1, :-1] - join[:-1, -1:]) > 0  # none where void joined in: its objects weren't counted
    of_category = categories_of(own)[: len(own)] == np.arange(len(own.categories))[:, None]  # (K, C)
    by_class = members & (members.sum(1) == 1)[:, None]
    by_category = (members[:, None] == of_category).all(2) & ~by_class.any(1)[:, None]  # (C', K)

    regrouped = SemanticCounts(space)
    scored = by_class.any(1) | by_category.any(1)
    sizes = [counts.object_pixels[row].mean() if some else np.nan for row, some in zip(members, scored, strict=True)]
    regrouped.object_pixels = np.array(sizes)
    kept = [own.categories.index(name) for name in space.categories]
    known = not kept or members.any(0).all()  # else a category may lack some of its classes
    for name, image in counts.images.items():
        weighted = None
        if image.instances and known:
            tp, fn, category_tp, category_fn = image.instances
            weighted = WeightedInstances(
                by_class @ tp + by_category @ category_tp,
                by_class @ fn + by_category @ category_fn,
                category_tp[kept],
                category_fn[kept],
            )
        objects = None if image.objects is None else _regroup_objects(image.objects, numbers, by_class, by_category)
        regrouped.images[name] = ImageCounts(join @ image.confusion @ join.T, weighted, objects)
    return regrouped


def _regroup_objects(
    objects: InstanceCounts, numbers: Counts, by_class: npt.NDArray[np.bool_], by_category: npt.NDArray[np.bool_]
) -> InstanceCounts:
    """Return the objects whose hits can be known in the other space: as their class, or as their whole category."""
    new = numbers[np.minimum(objects.classes, len(numbers) - 1)]
    new_or_none = np.minimum(new, len(by_class) - 1)  # void has no row
    single, whole = (np.any(table, axis=1).astype(bool)[new_or_none] for table in (by_class, by_category))
    known = (new < len(by_class)) & (single | whole)
    hits = np.where(whole, objects.category_hits, objects.hits)
    kept = (objects.numbers, new, objects.pixels, hits, objects.category_hits)
    return InstanceCounts(*(column[known] for column in kept))


def regrouped(run: RunDirectory, protocol: Protocol, space: LabelSpace) -> RunDirectory:
    """Return where a run keeps scores in another label space than that of their counts."""
    word = re.sub(r"[^\w-]+", "-", space.name.rpartition(":")[2])
    return run.evaluation(f"{protocol.dataset}-{protocol.split}-{word}")
