"""Blocks that ESPNet and ESPNetV2 share."""

from collections import OrderedDict
from collections.abc import Iterable
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvNormPReLU(nn.Sequential):
    """Convolution without bias, batch normalization, PReLU with one slope a channel.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel: Side of the (square) kernel; padded so that stride 1 keeps the size.
        stride: Stride.
        groups: Groups of the convolution.
        eps: What batch normalization adds to the variance.
        act: Whether PReLU follows.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        groups: int = 1,
        eps: float = 1e-5,
        act: bool = True,
    ) -> None:
        conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)
        layers: dict[str, nn.Module] = {"conv": conv, "norm": nn.BatchNorm2d(out_channels, eps)}
        if act:
            layers["act"] = nn.PReLU(out_channels)
        super().__init__(OrderedDict(layers))


class NormPReLU(nn.Sequential):
    """Batch normalization and PReLU."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__(OrderedDict(norm=nn.BatchNorm2d(channels, eps), act=nn.PReLU(channels)))


def fuse_hierarchically(branches: Iterable[Tensor]) -> list[Tensor]:
    """Add to each branch all branches before it, which hides the grid that dilated convolutions leave.

    Source: Mehta et al., "ESPNet", ECCV 2018, section 3.1 (hierarchical feature fusion).
    """
    return list(accumulate(branches, torch.add))


def halve(image: Tensor) -> Tensor:
    """Average 3x3 windows at every second position: (B, C, h, w) to (B, C, h/2, w/2)."""
    return F.avg_pool2d(image, 3, stride=2, padding=1)
