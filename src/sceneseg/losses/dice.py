"""Soft Dice: one minus the overlap of prediction and truth, averaged over classes, however small they are."""

import torch
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits
from sceneseg.losses import register
from sceneseg.losses._bands import check
from sceneseg.losses._regions import TINY, mean_over_present, regions
from sceneseg.ranges import ClassWeights


@register
class Dice(nn.Module):
    """Mean of 1 - 2 |P and T| / (|P| + |T|) over the classes that the batch's labels hold. No valid pixel gives 0.

    Convention: the regions are those of the whole batch, not of each image.

    Source: Milletari et al., "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation",
    3DV 2016. Differs: several classes by softmax, and sums of probabilities where theirs are squared.

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
        dice = 2 * intersection / (predicted + labeled).clamp(min=TINY)
        return mean_over_present(1 - dice, labeled, self.class_weights)
