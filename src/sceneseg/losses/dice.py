"""Soft Dice: one minus the overlap of prediction and truth, averaged over classes, however small they are."""

from torch import Tensor

from sceneseg.losses import register
from sceneseg.losses._regions import TINY, RegionLoss


@register
class Dice(RegionLoss):
    """Mean of 1 - 2 |P and T| / (|P| + |T|) over the classes that the batch's labels hold. No valid pixel gives 0.

    Convention: the regions are those of the whole batch, not of each image.

    Source: Milletari et al., "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation",
    3DV 2016. Differs: several classes by softmax, and sums of probabilities where theirs are squared.

    Args:
        class_weights: One per class, for the mean over the classes; or None.
    """

    def overlap(self, intersection: Tensor, predicted: Tensor, labeled: Tensor) -> Tensor:
        """Return 2 |P and T| / (|P| + |T|) of each class."""
        return 2 * intersection / (predicted + labeled).clamp(min=TINY)
