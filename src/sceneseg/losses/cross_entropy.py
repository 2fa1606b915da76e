"""Cross-entropy over all valid pixels of a batch, with class weights and label smoothing."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sceneseg.kernels.upsample_cross_entropy import upsample_cross_entropy
from sceneseg.losses import register


@register
class CrossEntropy(nn.Module):
    """Mean cross-entropy; with class weights the mean is weighted too. No valid pixel gives 0.

    Args:
        class_weights: One per class, or None.
        label_smoothing: Share of the target that is spread over all classes.
    """

    class_weights: Tensor | None

    def __init__(self, class_weights: Sequence[float] | None = None, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(list(class_weights)))

    def forward(
        self, coarse: Tensor, labels: Tensor, *, covered: tuple[float, float] | None = None, align_corners: bool = False
    ) -> Tensor:
        """Return the loss of coarse logits (B, C, h, w) against labels (B, H, W) uint8."""
        loss, weight = upsample_cross_entropy(
            coarse,
            labels,
            class_weights=self.class_weights,
            label_smoothing=self.label_smoothing,
            covered=covered,
            align_corners=align_corners,
        )
        return loss / weight.clamp(min=1e-12)
