"""Pixel accuracy: the right part of all labeled pixels."""

from typing import ClassVar

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.totals import SegmentationTotals


@register
class PixelAccuracy(Metric[SegmentationTotals]):
    """Hits over labeled pixels; frequent classes decide it.

    Source: Badrinarayanan et al., "SegNet", PAMI 2017, section 4.
    """

    key: ClassVar[str] = "pixel_accuracy"
    label: ClassVar[str] = "Pixel accuracy"
    order: ClassVar[int] = 60
    in_history: ClassVar[bool] = True
    is_headline: ClassVar[bool] = True

    def compute(self, totals: SegmentationTotals) -> MetricResult:
        """Compute the accuracy; None without a labeled pixel."""
        return MetricResult(float(totals.hits.sum() / totals.labeled) if totals.labeled else None)
