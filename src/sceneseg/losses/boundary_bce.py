"""Binary cross-entropy of a boundary head: is there another class next to this pixel?"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits, as_coarse_logits
from sceneseg.labels import IGNORE_INDEX
from sceneseg.losses import register
from sceneseg.losses._bands import sum_over_bands
from sceneseg.losses._edges import boundaries, widened
from sceneseg.losses._regions import TINY
from sceneseg.ranges import Count


@register
class BoundaryBCE(nn.Module):
    """Mean binary cross-entropy in which boundaries and all the rest weigh the same: each by the other's share.

    Convention: no valid pixel gives 0, and so does a batch without boundaries, or with nothing else.

    Source: Xu et al., "PIDNet", CVPR 2023, and the authors' code: the weight of boundary pixels is the share of the
    others in the batch, theirs is the share of the boundary pixels, and the sum is divided by the number of pixels.
    Differs: boundaries come from neighboring labels at the size of the training samples, 4 pixels wide (authors:
    Canny's filter on the labels as they are stored, as wide there); ignored pixels neither count nor have boundaries
    (authors: both).

    Args:
        reach: Pixels on either side of a boundary that belong to it.
    """

    heads: ClassVar[tuple[str, ...]] = ("boundary",)

    def __init__(self, reach: Count = 2) -> None:
        super().__init__()
        self.reach = reach

    def forward(self, boundary: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the loss of coarse boundary logits (B, 1, h, w) against labels (B, H, W) uint8."""
        boundary = as_coarse_logits(boundary).full_precision()
        valid = labels != IGNORE_INDEX
        edges = widened(boundaries(labels), self.reach - 1) & valid
        inside, outside = sum_over_bands(_measure, boundary, [edges, valid & ~edges])
        counted = boundary.values.dtype
        edge_pixels, pixels = edges.sum().to(counted), valid.sum().to(counted)
        balanced = (pixels - edge_pixels) * inside + edge_pixels * outside
        return balanced / (pixels * pixels).clamp(min=TINY)


def _measure(logits: Tensor, edges: Tensor, others: Tensor) -> Tensor:
    """Sum the cross-entropy of the pixels at boundaries and of the others, (2,)."""
    logits = logits.squeeze(1)
    return torch.stack([(F.softplus(-logits) * edges).sum(), (F.softplus(logits) * others).sum()])
