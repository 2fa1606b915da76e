"""Focal loss: cross-entropy that fades for pixels that are already right."""

import torch
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits
from sceneseg.losses import register
from sceneseg.losses._bands import check, label_weights, sum_over_bands, true_logits
from sceneseg.ranges import ClassWeights, NotNegative


@register
class Focal(nn.Module):
    """Mean of -(1 - p)**gamma log p, p the probability of a pixel's own class; weighted where there are weights.

    With gamma 0 it is cross-entropy. No valid pixel gives 0.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5. Differs: several classes by
    softmax, and the mean over all valid pixels.

    Args:
        gamma: How fast the loss fades with p.
        class_weights: One per class (the paper's alpha), or None.
    """

    class_weights: Tensor | None

    def __init__(self, gamma: NotNegative = 2.0, class_weights: ClassWeights | None = None) -> None:
        super().__init__()
        self.gamma = gamma
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(list(class_weights)))

    def forward(self, logits: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the loss of coarse logits (B, C, h, w) against labels (B, H, W) uint8."""
        logits = check(logits, labels, self.class_weights)
        weights = label_weights(labels, logits.num_classes, self.class_weights, logits.exact_dtype)
        loss = sum_over_bands(self._measure, logits, [labels, weights])
        return loss / weights.sum().clamp(min=1e-12)

    def weight(self, labels: Tensor, classes: int) -> Tensor:
        """Return the sum of weights that the mean divides by."""
        return label_weights(labels, classes, self.class_weights, torch.float64).sum()

    def _measure(self, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        log_p = true_logits(logits, labels) - logits.logsumexp(1)
        miss = -torch.expm1(log_p)  # 1 - p, also where p is nearly 1
        return -(weights * miss.clamp(min=1e-7) ** self.gamma * log_p).sum()  # a root has no slope at 0
