"""Binary cross-entropy plus Dice: every class is asked for on its own, by a sigmoid."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits
from sceneseg.labels import IGNORE_INDEX
from sceneseg.losses import register
from sceneseg.losses._bands import check, sum_over_bands
from sceneseg.losses._regions import TINY, labeled_pixels, mean_over_present, one_hot, overlap
from sceneseg.ranges import ClassWeights, NotNegative


@register
class BCEDice(nn.Module):
    """Binary cross-entropy over all classes and valid pixels, plus Dice over the classes that the labels hold.

    Convention: class weights weigh the classes in both means. No valid pixel gives 0.

    Source: Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image
    segmentation", Nature Methods 2021, for the sum of cross-entropy and Dice. Differs: sigmoid, not softmax.

    Args:
        dice: Weight of the Dice part.
        class_weights: One per class, or None.
    """

    class_weights: Tensor | None

    def __init__(self, dice: NotNegative = 1.0, class_weights: ClassWeights | None = None) -> None:
        super().__init__()
        self.dice = dice
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(list(class_weights)))

    def forward(self, logits: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the loss of coarse logits (B, C, h, w) against labels (B, H, W) uint8."""
        logits = check(logits, labels, self.class_weights)
        entropy, intersection, predicted = sum_over_bands(_measure, logits, [labels])
        labeled = labeled_pixels(labels, logits)
        dice = 2 * intersection / (predicted + labeled).clamp(min=TINY)
        weights = torch.ones_like(entropy) if self.class_weights is None else self.class_weights.to(entropy)
        bce = (weights * entropy).sum() / (weights.sum() * labeled.sum()).clamp(min=TINY)
        return bce + self.dice * mean_over_present(1 - dice, labeled, self.class_weights)


def _measure(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum cross-entropy, intersection and prediction of each class, (3, C)."""
    valid = (labels != IGNORE_INDEX).unsqueeze(1)
    targets = one_hot(labels, logits.shape[1])
    losses = F.softplus(torch.where(targets, -logits, logits)) * valid
    return torch.cat([losses.sum((0, 2, 3)).unsqueeze(0), overlap(logits.sigmoid() * valid, targets)])
