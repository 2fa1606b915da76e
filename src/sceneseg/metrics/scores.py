"""Scores of a split: every metric of a task, computed from the split's totals."""

from sceneseg.metrics import metrics_of
from sceneseg.metrics.base import Totals
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.totals import SegmentationTotals
from sceneseg.records.scores import AbsentRule, MetricValues, Scores, VoidRule


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


def _by_class(columns: list[tuple[str | None, MetricValues]]) -> dict[str, MetricValues]:
    """Turn columns, a metric's values by class, into rows, a class's values by metric."""
    rows: dict[str, MetricValues] = {}
    for key, values in columns:
        if key is not None:
            for name, value in values.items():
                rows.setdefault(name, {})[key] = value
    return rows
