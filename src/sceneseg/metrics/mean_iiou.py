"""Mean instance-weighted IoU of Cityscapes, in which every object weighs the same."""

from typing import ClassVar

import numpy as np

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.totals import SegmentationTotals, by_name, mean, ratio


@register
class MeanInstanceIoU(Metric[SegmentationTotals]):
    """Mean over the classes of the IoU with TP and FN taken over single objects, see `weigh_instances`.

    None where the data set has no single objects.

    Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016, section 4.1.
    """

    key: ClassVar[str] = "mean_iiou"
    label: ClassVar[str] = "Mean iIoU"
    order: ClassVar[int] = 20
    class_key: ClassVar[str | None] = "iiou"
    class_label: ClassVar[str] = "iIoU"
    has_line: ClassVar[bool] = False
    heading: ClassVar[str | None] = "nIoU"  # as cityscapesScripts prints it
    needs_instances: ClassVar[bool] = True

    def compute(self, totals: SegmentationTotals) -> MetricResult:
        """Compute the iIoU of each class with objects of known size, and their mean."""
        iiou = np.full(len(totals.names), np.nan)
        if weighted := totals.total.instances:
            iiou = ratio(weighted.tp, weighted.tp + weighted.fn + totals.classes.fp)
            iiou[np.isnan(totals.counts.object_pixels)] = np.nan
        return MetricResult(mean(iiou), by_name(totals.names, iiou))
