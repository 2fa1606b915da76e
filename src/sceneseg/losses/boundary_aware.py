"""Cross-entropy of the class logits where a boundary head sees a boundary."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits, as_coarse_logits
from sceneseg.labels import IGNORE_INDEX
from sceneseg.losses import register
from sceneseg.losses._bands import map_over_bands
from sceneseg.losses.ohem import OHEM
from sceneseg.ranges import ClassWeights, Middle, NotNegative, Threshold


@register
class BoundaryAware(nn.Module):
    """Mean cross-entropy of the pixels that the boundary head gives more than `threshold`; of the hardest if requested.

    The boundary head is only looked at: no gradient goes to it. Where it sees no boundary the loss is 0.

    Source: Xu et al., "PIDNet", CVPR 2023, the boundary-awareness loss, a mean over these pixels; the authors' code
    takes the hard ones of them, which `thresh` and `min_kept` are for.

    Args:
        threshold: Probability of a boundary above which a pixel counts.
        thresh: Probability of its own class up to which a pixel is hard; 1 takes all of them.
        min_kept: How many pixels are kept at least, as in `sceneseg.losses.ohem`.
        class_weights: One per class, or None.
    """

    heads: ClassVar[tuple[str, ...]] = ("classes", "boundary")

    def __init__(
        self,
        threshold: Middle = 0.8,
        thresh: Threshold = 1.0,
        min_kept: NotNegative = 0.0,
        class_weights: ClassWeights | None = None,
    ) -> None:
        super().__init__()
        self.logit = math.log(threshold / (1 - threshold))
        self.cross_entropy = OHEM(thresh, min_kept, class_weights)

    def forward(self, logits: CoarseLogits | Tensor, boundary: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the loss of coarse logits (B, C, h, w) and (B, 1, h', w') against labels (B, H, W) uint8."""
        seen = map_over_bands(self._where_seen, as_coarse_logits(boundary), labels)
        loss: Tensor = self.cross_entropy(logits, seen)
        return loss

    def _where_seen(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the labels (B, rows, W) where there is a boundary, and nothing to learn elsewhere."""
        return torch.where(logits.squeeze(1) > self.logit, labels, IGNORE_INDEX)
