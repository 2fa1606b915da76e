"""Separable U-Net: a U-Net so thin, and of separable convolutions, that it trains on full-size street scenes.

349,875 parameters for 19 classes, 21.8 GMACs at 1024x2048; the deeper, wider one (``width: 32, depth: 5``) has
5,332,563 and 98.6.

Source: none published; the architecture of a public benchmark of real-time models (2020), whose author reached
23.3 % mean IoU on Cityscapes with it and wished for a deeper, wider one. Differs by +4,322 parameters (of
345,570 for 20 classes): the logits see all `width` channels where the original squeezes them through two (-14);
separable convolutions are normalized between their halves (+3,648); no bias in front of a normalization (-1,712);
channels are reduced by 3x3 before a level is enlarged, bilinearly, where the original enlarges the nearest value
first and reduces by 2x2 (+2,400).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.models.layers import ConvNormAct, SeparableConv, resize
from sceneseg.ranges import Channels, Dropout, Stages


@register
class SeparableUNet(SegmentationModel):
    """U-Net with at most one full convolution a level, logits at full size.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Channels of the first level; each deeper level has twice as many.
        depth: How often the resolution is halved.
        dropout: Probability of dropping a value in the two deepest levels.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        width: Channels = 16,
        depth: Stages = 4,
        dropout: Dropout = 0.5,
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.size_divisor = 2**depth
        channels = [width * 2**level for level in range(depth + 1)]
        *_, low, lowest = channels
        self.stem = nn.Sequential(ConvNormAct(in_channels, width), SeparableConv(width, width))
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), ConvNormAct(a, b), SeparableConv(b, b)) for a, b in pairwise(channels[:-1])
        )
        self.drop = nn.Dropout(dropout)
        self.bottom = nn.Sequential(nn.MaxPool2d(2), SeparableConv(low, lowest), SeparableConv(lowest, lowest))
        self.up = nn.ModuleList(Up(channels[i + 1], channels[i]) for i in reversed(range(depth)))
        self.head = nn.Conv2d(width, num_classes, 1)
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at full size."""
        x = self.stem(self.prepare(image))  # (B, width, H, W)
        skips = [x]
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = skips[-1] = self.drop(x)
        x = self.drop(self.bottom(x))  # (B, 16 width, H/16, W/16)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = up(x, skip)
        return (self.head(x),)


class Up(nn.Module):
    """Reduce the channels, enlarge, put the skip connection in front, convolve twice."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = SeparableConv(in_channels, out_channels)
        self.conv = nn.Sequential(
            SeparableConv(2 * out_channels, out_channels), SeparableConv(out_channels, out_channels)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Merge x (B, 2C, h, w) with skip (B, C, 2h, 2w) into (B, C, 2h, 2w)."""
        x = resize(self.reduce(x), like=skip)
        return self.conv(torch.cat([skip, x], dim=1))
