"""Cross-entropy per pixel, with optional class weights and label smoothing.

Source: label smoothing is Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016,
section 7.
"""

import torch
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits, as_coarse_logits
from sceneseg.losses import register
from sceneseg.ranges import ClassWeights, Smoothing


@register
class CrossEntropy(nn.Module):
    """The mean cross-entropy of the valid pixels at the labels' size, weighted by class.

    Args:
        class_weights: One weight per class, not negative; all 1 when None.
        label_smoothing: Share of each label that is spread evenly over all classes, 0 <= share < 1.
    """

    class_weights: Tensor | None

    def __init__(self, class_weights: ClassWeights | None = None, label_smoothing: Smoothing = 0.0) -> None:
        super().__init__()
        weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        self.register_buffer("class_weights", weights)
        self.label_smoothing = label_smoothing

    def forward(self, logits: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss, 0 where no pixel is valid.

        Args:
            logits: Of (B, C, h, w).
            labels: Train ids (B, H, W) uint8, 255 where void.
        """
        loss_sum, weight_sum = as_coarse_logits(logits).cross_entropy(
            labels, class_weights=self.class_weights, label_smoothing=self.label_smoothing
        )
        return loss_sum / torch.where(weight_sum > 0, weight_sum, 1)

    def weight(self, labels: Tensor, classes: int) -> Tensor:
        """Return the sum of weights that the mean divides by."""
        pixels = labels.flatten().long().bincount(minlength=256)[:classes]
        return (pixels if self.class_weights is None else pixels * self.class_weights).sum().double()
