"""Mean intersection over union, the score of Cityscapes, ADE20K and most of the field."""

from typing import ClassVar

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.totals import SegmentationTotals, by_name, mean, ratio


@register
class MeanIoU(Metric[SegmentationTotals]):
    """Mean over the classes of TP / (TP + FP + FN), all classes weighing alike.

    Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016, section 4.1;
    Zhou et al., "Scene parsing through ADE20K dataset", CVPR 2017 (absent classes count 0).
    """

    key: ClassVar[str] = "mean_iou"
    label: ClassVar[str] = "Mean IoU"
    order: ClassVar[int] = 10
    class_key: ClassVar[str | None] = "iou"
    class_label: ClassVar[str] = "IoU"
    has_line: ClassVar[bool] = False
    heading: ClassVar[str | None] = "IoU"
    in_history: ClassVar[bool] = True
    is_headline: ClassVar[bool] = True

    def compute(self, totals: SegmentationTotals) -> MetricResult:
        """Compute the IoU of each class and their mean."""
        tp, fp, fn = totals.classes
        iou = ratio(tp, tp + fp + fn, totals.missing)
        return MetricResult(mean(iou), by_name(totals.names, iou))
