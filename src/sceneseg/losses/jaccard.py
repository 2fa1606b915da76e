"""Soft Jaccard: one minus a differentiable intersection over union, averaged over classes."""

from torch import Tensor

from sceneseg.losses import register
from sceneseg.losses._regions import TINY, RegionLoss


@register
class Jaccard(RegionLoss):
    """Mean of 1 - |P and T| / |P or T| over the classes that the batch's labels hold. No valid pixel gives 0.

    Convention: the regions are those of the whole batch, as the mean IoU's are those of a whole data set.

    Source: Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation",
    ISVC 2016. Differs: several classes by softmax.

    Args:
        class_weights: One per class, for the mean over the classes; or None.
    """

    def overlap(self, intersection: Tensor, predicted: Tensor, labeled: Tensor) -> Tensor:
        """Return |P and T| / |P or T| of each class."""
        return intersection / (predicted + labeled - intersection).clamp(min=TINY)
