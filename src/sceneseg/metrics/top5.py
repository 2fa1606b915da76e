"""Top-5 accuracy: the part of the images whose class is among the first five answers."""

from typing import ClassVar

import numpy as np

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.totals import ClassificationTotals


@register
class Top5(Metric[ClassificationTotals]):
    """Images whose true class is among the five most probable, over all images.

    Convention: None for five classes or fewer, where it would be 1 for any model.

    Source: Russakovsky et al., "ImageNet large scale visual recognition challenge", IJCV 2015, section 4.1.
    """

    key: ClassVar[str] = "top5"
    label: ClassVar[str] = "Top-5 accuracy"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    order: ClassVar[int] = 20
    in_history: ClassVar[bool] = True
    is_headline: ClassVar[bool] = True

    def compute(self, totals: ClassificationTotals) -> MetricResult:
        """Compute the accuracy."""
        return MetricResult(float(np.mean(totals.ranks <= 5)) if len(totals.names) > 5 else None)
