"""Scores of semantic segmentation, all from the counts of a data set: IoU, iIoU, Dice, accuracies, categories.

Equal to cityscapesScripts 2.3.0 in every row it prints, but for what `weigh_instances` says of caravans and trailers.

Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016, section 4.1 (IoU,
iIoU); Dice, "Measures of the amount of ecologic association between species", Ecology 1945; Badrinarayanan et al.,
"SegNet", PAMI 2017, section 4 (pixel and class accuracy); Zhou et al., "Scene parsing through ADE20K dataset",
CVPR 2017 (absent classes count 0).
"""

from typing import Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from sceneseg.errors import ConfigError, did_you_mean
from sceneseg.kernels.confusion import Counts
from sceneseg.labels import LabelSpace
from sceneseg.metrics.cityscapes import Floats, categories_of
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.records.scores import AbsentRule, Scores, VoidRule

MEANS = (
    *("mean_iou", "mean_iiou", "mean_category_iou", "mean_category_iiou", "mean_dice"),
    *("pixel_accuracy", "class_accuracy"),
)
"""Keys of the scores of a whole split."""


def semantic_scores(
    counts: SemanticCounts, label_space: LabelSpace, void: VoidRule = "ignore", absent: AbsentRule = "skip"
) -> Scores:
    """Compute all scores of a data set from the sums over its images.

    Convention: a class's IoU is TP / (TP + FP + FN), its Dice 2 TP / (2 TP + FP + FN), its accuracy TP / (TP + FN);
    the pixel accuracy is the right part of all labeled pixels; the other means weigh all classes alike. A labeled
    pixel predicted as void is a miss. For a category, a pixel is right when any of its classes was predicted. The
    iIoU is the IoU with TP and FN taken over single objects that all weigh the same, see `weigh_instances`.

    Args:
        counts: What was counted.
        label_space: Its classes and categories are those of the counts.
        void: What a class predicted on void truth is: nothing ("ignore": Cityscapes, SegNet, ADE20K), or a false
            positive of that class in IoU, iIoU and Dice ("false_positive").
        absent: What the score of a class is whose denominator is 0, because it occurs in neither truth nor prediction
            (accuracy: not in truth): None and left out of the mean ("skip": Cityscapes), or 0, also in the mean
            ("zero": ADE20K). Instance scores always skip.

    Returns:
        The means `MEANS`, and the scores of each class and category, without a protocol.

    Raises:
        ConfigError: An unknown rule, or another label space than that of the counts.
    """
    _check_rule("void", void, get_args(VoidRule))
    _check_rule("absent", absent, get_args(AbsentRule))
    _check_space(counts.label_space, label_space)
    members = category_members(label_space)
    total = counts.total()
    labeled = total.confusion[:-1].sum()
    missing = 0.0 if absent == "zero" else np.nan

    classes = overlap(total.confusion, np.eye(len(label_space), dtype=np.int64), void)
    iou = ratio(classes.tp, classes.tp + classes.fp + classes.fn, missing)
    dice = ratio(2 * classes.tp, 2 * classes.tp + classes.fp + classes.fn, missing)
    accuracy = ratio(classes.tp, classes.tp + classes.fn, missing)
    categories = overlap(total.confusion, members, void)
    category_iou = ratio(categories.tp, categories.tp + categories.fp + categories.fn, missing)

    iiou, category_iiou = np.full(iou.shape, np.nan), np.full(category_iou.shape, np.nan)
    if weighted := total.instances:
        sized = np.isfinite(counts.object_pixels)
        iiou = ratio(weighted.tp, weighted.tp + weighted.fn + classes.fp)
        iiou[~sized] = np.nan
        category_iiou = ratio(weighted.category_tp, weighted.category_tp + weighted.category_fn + categories.fp)
        category_iiou[members @ ~sized > 0] = np.nan  # one class without instances, and the category has none

    pixel_accuracy = float(classes.tp.sum() / labeled) if labeled else None
    per_class = zip(*map(_values, (iou, iiou, dice, accuracy)), strict=True)
    per_category = zip(*map(_values, (category_iou, category_iiou)), strict=True)
    means = (*map(_mean, (iou, iiou, category_iou, category_iiou, dice)), pixel_accuracy, _mean(accuracy))
    return Scores(
        dict(zip(MEANS, means, strict=True)),
        {
            name: {"iou": a, "iiou": b, "dice": c, "accuracy": d}
            for name, (a, b, c, d) in zip(label_space.names, per_class, strict=True)
        },
        {name: {"iou": a, "iiou": b} for name, (a, b) in zip(label_space.categories, per_category, strict=True)},
    )


def shared_class_ious(
    counts: SemanticCounts, void: VoidRule = "ignore", absent: AbsentRule = "skip"
) -> dict[str, float | None]:
    """Return the IoU of each class, so that models which were scored on the same truth have a score of the same ones.

    A class that isn't in the truth but is predicted by one model has the IoU 0 for that one, and none for a model that
    doesn't predict it; their means are then over unlike sets of classes. Here it has none for both.

    Args:
        counts: What was counted.
        void: As in `semantic_scores`.
        absent: The IoU of a class that isn't in the truth: None ("skip"), or 0 ("zero": ADE20K).
    """
    confusion = counts.total().confusion
    found = overlap(confusion, np.eye(len(counts.label_space), dtype=np.int64), void)
    iou = ratio(found.tp, found.tp + found.fp + found.fn)
    iou[found.tp + found.fn == 0] = 0.0 if absent == "zero" else np.nan
    return dict(zip(counts.label_space.names, _values(iou), strict=True))


class Overlap(NamedTuple):
    """Pixels that were found, wrongly found, and missed, (G,) int64 each."""

    tp: Counts
    fp: Counts
    fn: Counts


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


def category_members(label_space: LabelSpace) -> Counts:
    """Return which class belongs to which category, (K, C) of 0 and 1."""
    numbers = categories_of(label_space)[: len(label_space)]
    return (numbers == np.arange(len(label_space.categories))[:, None]).astype(np.int64)


def ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any], missing: float = np.nan) -> Floats:
    """Divide, with `missing` where the whole is 0."""
    return np.divide(part, whole, out=np.full(part.shape, missing), where=whole > 0)


def _values(scores: Floats) -> list[float | None]:
    return [None if np.isnan(score) else float(score) for score in scores]


def _mean(scores: Floats) -> float | None:
    existing = scores[~np.isnan(scores)]
    return float(existing.mean()) if existing.size else None


def _check_rule(option: str, rule: str, known: tuple[str, ...]) -> None:
    if rule not in known:
        raise ConfigError(f'{option} can\'t be "{rule}".{did_you_mean(rule, known)} It is one of: {", ".join(known)}.')


def _check_space(counted: LabelSpace, asked: LabelSpace) -> None:
    if [(c.name, c.category) for c in counted.classes] != [(c.name, c.category) for c in asked.classes]:
        raise ConfigError(
            f'The counts are of the label space "{counted.name}" ({len(counted)} classes), scores were asked for in '
            f'"{asked.name}" ({len(asked)} classes), whose classes or categories differ. Use the space of the counts.'
        )
