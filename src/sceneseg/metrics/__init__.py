"""The shelf of metrics, one file each, and the counts that they are computed from."""

from typing import TYPE_CHECKING, Any

from sceneseg.registry import Registry

if TYPE_CHECKING:
    from sceneseg.metrics.base import Metric

metrics: Registry["Metric[Any]"] = Registry("metric", __name__)
register = metrics.register
create = metrics.create


def metrics_of(task: str) -> "list[Metric[Any]]":
    """Return the metrics of a task in the order of tables and files, those from outside last.

    Example:
        >>> [metric.key for metric in metrics_of("classification")]
        ['top1', 'top5', 'class_accuracy']
    """
    found = [metrics.create(name) for name in metrics.names()]
    return sorted((metric for metric in found if task in metric.tasks), key=lambda metric: metric.order)
