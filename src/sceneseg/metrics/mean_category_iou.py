"""Mean IoU of the categories of Cityscapes, such as vehicle."""

from typing import ClassVar

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.totals import SegmentationTotals, by_name, mean, ratio


@register
class MeanCategoryIoU(Metric[SegmentationTotals]):
    """Mean over the categories of TP / (TP + FP + FN), where any class of the category is right.

    Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016, section 4.1.
    """

    key: ClassVar[str] = "mean_category_iou"
    label: ClassVar[str] = "Category IoU"
    order: ClassVar[int] = 30
    category_key: ClassVar[str | None] = "iou"
    class_label: ClassVar[str] = "IoU"
    has_line: ClassVar[bool] = False
    heading: ClassVar[str | None] = "IoU"
    needs_categories: ClassVar[bool] = True
    is_headline: ClassVar[bool] = True

    def compute(self, totals: SegmentationTotals) -> MetricResult:
        """Compute the IoU of each category and their mean."""
        tp, fp, fn = totals.categories
        iou = ratio(tp, tp + fp + fn, totals.missing)
        return MetricResult(mean(iou), categories=by_name(totals.label_space.categories, iou))
