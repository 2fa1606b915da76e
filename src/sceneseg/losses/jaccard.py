"""Soft Jaccard: one minus a differentiable intersection over union, averaged over classes."""

import torch
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits
from sceneseg.losses import register
from sceneseg.losses._bands import check
from sceneseg.losses._regions import TINY, mean_over_present, regions
from sceneseg.ranges import ClassWeights


@register
class Jaccard(nn.Module):
    """Mean of 1 - |P and T| / |P or T| over the classes that the batch's labels hold. No valid pixel gives 0.

    Convention: the regions are those of the whole batch, as the mean IoU's are those of a whole data set.

    Source: Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation",
    ISVC 2016. Differs: several classes by softmax.

    Args:
        class_weights: One per class, for the mean over the classes; or None.
    """

    class_weights: Tensor | None

    def __init__(self, class_weights: ClassWeights | None = None) -> None:
        super().__init__()
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(list(class_weights)))

    def forward(self, logits: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the loss of coarse logits (B, C, h, w) against labels (B, H, W) uint8."""
        logits = check(logits, labels, self.class_weights)
        intersection, predicted, labeled = regions(logits, labels)
        iou = intersection / (predicted + labeled - intersection).clamp(min=TINY)
        return mean_over_present(1 - iou, labeled, self.class_weights)
