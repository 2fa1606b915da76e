"""Mean instance-weighted IoU of the categories of Cityscapes."""

from typing import ClassVar

import numpy as np

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.totals import SegmentationTotals, by_name, mean, ratio


@register
class MeanCategoryInstanceIoU(Metric[SegmentationTotals]):
    """Mean over the categories of the IoU with TP and FN taken over single objects, see `weigh_instances`.

    A category has none where one of its classes has no objects of known size.

    Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016, section 4.1.
    """

    key: ClassVar[str] = "mean_category_iiou"
    label: ClassVar[str] = "Category iIoU"
    order: ClassVar[int] = 40
    category_key: ClassVar[str | None] = "iiou"
    class_label: ClassVar[str] = "iIoU"
    has_line: ClassVar[bool] = False
    heading: ClassVar[str | None] = "nIoU"  # as cityscapesScripts prints it
    needs_categories: ClassVar[bool] = True
    needs_instances: ClassVar[bool] = True

    def compute(self, totals: SegmentationTotals) -> MetricResult:
        """Compute the iIoU of each category and their mean."""
        iiou = np.full(len(totals.label_space.categories), np.nan)
        if weighted := totals.total.instances:
            tp, fn = weighted.category_tp, weighted.category_fn
            iiou = ratio(tp, tp + fn + totals.categories.fp)
            iiou[totals.members @ np.isnan(totals.counts.object_pixels) > 0] = np.nan
        return MetricResult(mean(iiou), categories=by_name(totals.label_space.categories, iiou))
