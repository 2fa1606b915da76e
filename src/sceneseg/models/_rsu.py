"""The nested U that U2-Net and U2-NetP share: a U-Net whose every stage is a small U-Net.

Source: Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern
Recognition 2020, figures 2 and 5.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.models.layers import ConvNormAct, resize

DEPTHS = (7, 6, 5, 4, 0, 0)
"""Levels of the residual U of each stage; 0 stands for the dilated one, which keeps its size."""


class NestedU(nn.Module):
    """Six stages down, five up; each of the six scales gives logits, and a 1x1 convolution fuses them.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels in.
        down: (middle, out) channels of the six encoder stages.
        up: (middle, out) channels of the five decoder stages, the finest first.
    """

    def __init__(
        self, num_classes: int, in_channels: int, down: Sequence[tuple[int, int]], up: Sequence[tuple[int, int]]
    ) -> None:
        super().__init__()
        outs = [out for _, out in down]
        before = [in_channels, *outs[:-1]]
        below = [out for _, out in up[1:]] + [outs[-1]]
        self.down = nn.ModuleList(residual_u(depth, before[i], *down[i]) for i, depth in enumerate(DEPTHS))
        self.up = nn.ModuleList(residual_u(depth, outs[i] + below[i], *up[i]) for i, depth in enumerate(DEPTHS[:-1]))
        sides = [out for _, out in up] + [outs[-1]]
        self.sides = nn.ModuleList(nn.Conv2d(channels, num_classes, 3, padding=1) for channels in sides)
        self.fuse = nn.Conv2d(len(sides) * num_classes, num_classes, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the fused logits at full size, then those of each scale: 1, 1/2, ... 1/32."""
        features = []
        for i, stage in enumerate(self.down):
            x = stage(x if i == 0 else F.max_pool2d(x, 2))
            features.append(x)  # (B, out, H/2^i, W/2^i)
        for i in reversed(range(len(self.up))):
            merged = torch.cat([resize(features[i + 1], like=features[i]), features[i]], dim=1)
            features[i] = self.up[i](merged)
        logits = [side(feature) for side, feature in zip(self.sides, features, strict=True)]
        fused = self.fuse(torch.cat([resize(side, like=logits[0]) for side in logits], dim=1))
        return fused, *logits


def residual_u(depth: int, in_channels: int, middle: int, out_channels: int) -> nn.Module:
    """Build the residual U of one stage, with pooling, or dilated where `depth` is 0."""
    if depth == 0:
        return ResidualU(in_channels, middle, out_channels, dilations=(1, 2, 4, 8), pooled=False)
    return ResidualU(in_channels, middle, out_channels, dilations=(1,) * (depth - 1) + (2,), pooled=True)


class ResidualU(nn.Module):
    """A U-Net of 3x3 convolutions whose input, once convolved, is added to its output.

    Args:
        in_channels: Channels in.
        middle: Channels inside.
        out_channels: Channels out.
        dilations: Distance between the taps, level by level; the last level lies below the last but one at
            the same resolution.
        pooled: Whether the resolution is halved from level to level.
    """

    def __init__(
        self, in_channels: int, middle: int, out_channels: int, dilations: tuple[int, ...], pooled: bool
    ) -> None:
        super().__init__()
        self.pooled = pooled
        levels = len(dilations)
        before = [out_channels] + [middle] * (levels - 1)
        after = [out_channels] + [middle] * (levels - 2)
        self.stem = ConvNormAct(in_channels, out_channels, bias=True)
        self.down = nn.ModuleList(
            ConvNormAct(before[i], middle, dilation=dilations[i], bias=True) for i in range(levels)
        )
        self.up = nn.ModuleList(
            ConvNormAct(2 * middle, after[i], dilation=dilations[i], bias=True) for i in range(levels - 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h, w)."""
        x = stem = self.stem(x)
        skips: list[Tensor] = []
        for i, conv in enumerate(self.down):
            halve = self.pooled and 0 < i < len(self.up)
            x = conv(F.max_pool2d(x, 2) if halve else x)
            skips.append(x)
        x = skips.pop()
        for up, skip in zip(reversed(self.up), reversed(skips), strict=True):
            x = up(torch.cat([resize(x, like=skip), skip], dim=1))
        return x + stem
