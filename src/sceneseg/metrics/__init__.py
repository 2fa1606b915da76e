"""The shelf of metrics, one file each, and the counts that they are computed from."""

from typing import TYPE_CHECKING, Any

from sceneseg.errors import ConfigError
from sceneseg.registry import Registry, name_of

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

    Raises:
        ConfigError: Two of them have the same key.
    """
    found: dict[str, Metric[Any]] = {}
    for name in metrics.names():
        metric = metrics.create(name)
        if task in metric.tasks and (other := found.setdefault(metric.key, metric)) is not metric:
            raise ConfigError(
                f'The metrics "{name}" and "{name_of(type(other))}" have the same key, {metric.key}. Give one of them '
                f"another."
            )
    return sorted(found.values(), key=lambda metric: metric.order)
