"""Mean Dice coefficient, the F1 score of pixels."""

from typing import ClassVar

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.totals import SegmentationTotals, by_name, mean, ratio


@register
class MeanDice(Metric[SegmentationTotals]):
    """Mean over the classes of 2 TP / (2 TP + FP + FN), all classes weighing alike.

    Source: Dice, "Measures of the amount of ecologic association between species", Ecology 1945.
    """

    key: ClassVar[str] = "mean_dice"
    label: ClassVar[str] = "Mean Dice"
    order: ClassVar[int] = 50
    class_key: ClassVar[str | None] = "dice"
    class_label: ClassVar[str] = "Dice"
    heading: ClassVar[str | None] = "Dice"

    def compute(self, totals: SegmentationTotals) -> MetricResult:
        """Compute the Dice coefficient of each class and their mean."""
        tp, fp, fn = totals.classes
        dice = ratio(2 * tp, 2 * tp + fp + fn, totals.missing)
        return MetricResult(mean(dice), by_name(totals.names, dice))
