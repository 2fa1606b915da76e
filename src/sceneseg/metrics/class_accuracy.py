"""Class accuracy: the recall of each class, and their mean."""

from typing import ClassVar

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult, Totals
from sceneseg.metrics.totals import by_name, mean, ratio


@register
class ClassAccuracy(Metric[Totals]):
    """Mean over the classes of hits / truths, all classes weighing alike: pixels of a segmentation, else images.

    Source: Badrinarayanan et al., "SegNet", PAMI 2017, section 4.
    """

    key: ClassVar[str] = "class_accuracy"
    label: ClassVar[str] = "Class accuracy"
    tasks: ClassVar[tuple[str, ...]] = ("semantic", "classification")
    order: ClassVar[int] = 70
    class_key: ClassVar[str | None] = "accuracy"
    class_label: ClassVar[str] = "Accuracy"

    def compute(self, totals: Totals) -> MetricResult:
        """Compute the accuracy of each class and their mean."""
        accuracy = ratio(totals.hits, totals.truths, totals.missing)
        return MetricResult(mean(accuracy), by_name(totals.names, accuracy))
