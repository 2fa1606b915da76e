"""Cross-entropy over the hardest pixels of a batch (online hard example mining)."""

import torch
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits
from sceneseg.labels import IGNORE_INDEX
from sceneseg.losses import register
from sceneseg.losses._bands import check
from sceneseg.ranges import ClassWeights, NotNegative, Threshold

EASY = 2.0
"""Stands for the probability of ignored pixels: above that of any other, so that they are the last to be kept."""


@register
class OHEM(nn.Module):
    """Mean cross-entropy of the pixels whose own class has a probability of at most `thresh`; but never of too few.

    With class weights the mean is weighted too. No valid pixel gives 0.

    Source: Shrivastava et al., "Training Region-Based Object Detectors with Online Hard Example Mining", CVPR 2016,
    for the idea; for pixels, with a threshold and a minimum, Wu et al., "High-performance Semantic Segmentation Using
    Very Deep Fully Convolutional Networks", 2016 (arXiv 1604.04339), there called online bootstrapping.

    Args:
        thresh: Probability up to which a pixel is hard: 0.7 or 0.9.
        min_kept: How many pixels are kept at least, the hardest: below 1 a share of the batch's valid pixels,
            otherwise a number for each image (authors of HRNet: 131072).
        class_weights: One per class, or None.
    """

    class_weights: Tensor | None

    def __init__(
        self, thresh: Threshold = 0.7, min_kept: NotNegative = 1 / 16, class_weights: ClassWeights | None = None
    ) -> None:
        super().__init__()
        self.thresh, self.min_kept = thresh, min_kept
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(list(class_weights)))

    def forward(self, logits: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the loss of coarse logits (B, C, h, w) against labels (B, H, W) uint8."""
        logits = check(logits, labels, self.class_weights)
        probability = logits.true_probability(labels)
        probability.masked_fill_(labels == IGNORE_INDEX, EASY)
        hard = probability <= self._threshold(probability, labels)
        hardest = torch.where(hard, labels, IGNORE_INDEX)
        loss, weight = logits.cross_entropy(hardest, class_weights=self.class_weights)
        return loss / weight.clamp(min=1e-12)

    def _threshold(self, probability: Tensor, labels: Tensor) -> Tensor:
        """Return the probability up to which pixels are kept: `thresh`, or that of the last of the minimum."""
        share = self.min_kept < 1
        kept = self.min_kept * float((labels != IGNORE_INDEX).sum()) if share else self.min_kept * len(labels)
        if kept < 1:
            return probability.new_tensor(self.thresh)
        return probability.flatten().kthvalue(min(int(kept), probability.numel())).values.clamp(min=self.thresh)
