"""Boundaries between the labels' classes, for boundary losses."""

import torch.nn.functional as F
from torch import Tensor

from sceneseg.labels import IGNORE_INDEX


def boundaries(labels: Tensor) -> Tensor:
    """Return which pixels (B, H, W) have another class among their eight neighbors.

    Ignored pixels are never among them, and their border is no boundary.
    """
    ignored = labels == IGNORE_INDEX
    ids = labels.float()
    highest = F.max_pool2d(ids.masked_fill(ignored, -1), 3, 1, 1)
    lowest = -F.max_pool2d((-ids).masked_fill(ignored, -IGNORE_INDEX), 3, 1, 1)
    return (highest > lowest) & ~ignored


def widened(marks: Tensor, reach: int) -> Tensor:
    """Return which pixels (B, H, W) are marked, or have a mark up to `reach` pixels away in a row and a column."""
    return F.max_pool2d(marks.float(), 2 * reach + 1, 1, reach) > 0
