"""Scores of a split: every metric of a task, computed from the split's totals."""

import numpy as np

from sceneseg.metrics import metrics_of
from sceneseg.metrics.base import Totals
from sceneseg.metrics.classification import ClassificationCounts
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.totals import ClassificationTotals, SegmentationTotals, by_name, ratio
from sceneseg.records.protocol import AbsentRule, VoidRule
from sceneseg.records.scores import MetricValues, Scores


def compute_scores(task: str, totals: Totals) -> Scores:
    """Compute all metrics of a task.

    Args:
        task: Registry name of the task.
        totals: Of the kind that its metrics take.
    """
    results = [(metric, metric.compute(totals)) for metric in metrics_of(task)]
    return Scores(
        {metric.key: result.mean for metric, result in results},
        _by_class([(metric.class_key, result.classes) for metric, result in results]),
        _by_class([(metric.category_key, result.categories) for metric, result in results]),
    )


def semantic_scores(counts: SemanticCounts, void: VoidRule = "ignore", absent: AbsentRule = "skip") -> Scores:
    """Compute all scores of a segmentation from the sums over its images.

    Equal to cityscapesScripts 2.3.0 in every row it prints, but for what `weigh_instances` says of caravans and
    trailers.

    Args:
        counts: What was counted.
        void: See `SegmentationTotals`.
        absent: See `SegmentationTotals`.

    Raises:
        ConfigError: An unknown rule.
    """
    return compute_scores("semantic", SegmentationTotals(counts, void, absent))


def accuracy_scores(counts: ClassificationCounts) -> Scores:
    """Compute all scores of a classification from the answers to its images."""
    return compute_scores("classification", ClassificationTotals(counts))


def shared_class_ious(counts: SemanticCounts, void: VoidRule = "ignore", absent: AbsentRule = "skip") -> MetricValues:
    """Return the IoU of each class, so that models which were scored on the same truth have a score of the same ones.

    A class that isn't in the truth but is predicted by one model has the IoU 0 for that one, and none for a model that
    doesn't predict it; their means are then over unlike sets of classes. Here it has none for both.

    Args:
        counts: What was counted.
        void: As in `semantic_scores`.
        absent: The IoU of a class that isn't in the truth: None ("skip"), or 0 ("zero": ADE20K).
    """
    tp, fp, fn = SegmentationTotals(counts, void, absent).classes
    iou = ratio(tp, tp + fp + fn)
    iou[tp + fn == 0] = 0.0 if absent == "zero" else np.nan
    return by_name(counts.label_space.names, iou)


def _by_class(columns: list[tuple[str | None, MetricValues]]) -> dict[str, MetricValues]:
    """Turn columns, a metric's values by class, into rows, a class's values by metric."""
    rows: dict[str, MetricValues] = {}
    for key, values in columns:
        if key is not None:
            for name, value in values.items():
                rows.setdefault(name, {})[key] = value
    return rows
