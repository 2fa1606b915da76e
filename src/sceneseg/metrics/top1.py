"""Top-1 accuracy: the part of the images whose first answer is right."""

from typing import ClassVar

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.totals import ClassificationTotals


@register
class Top1(Metric[ClassificationTotals]):
    """Images whose most probable class is the true one, over all images.

    Source: Russakovsky et al., "ImageNet large scale visual recognition challenge", IJCV 2015, section 4.1.
    """

    key: ClassVar[str] = "top1"
    label: ClassVar[str] = "Top-1 accuracy"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    order: ClassVar[int] = 10
    in_history: ClassVar[bool] = True
    is_headline: ClassVar[bool] = True

    def compute(self, totals: ClassificationTotals) -> MetricResult:
        """Compute the accuracy."""
        return MetricResult(float(totals.hits.sum() / len(totals.ranks)))
