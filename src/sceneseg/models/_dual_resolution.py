"""Parts of DDRNet and PIDNet: the stem, the pyramid behind the deep branch, and the head."""

import torch
from torch import Tensor, nn

from sceneseg.models.layers import ConvNormAct, PooledNorm, resize


class Stem(nn.Sequential):
    """Two strided 3x3 convolutions to 1/4; they keep a bias, as the authors' do."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(
            ConvNormAct(in_channels, channels, stride=2, bias=True),
            ConvNormAct(channels, channels, stride=2, bias=True),
        )


class NormActConv(nn.Sequential):
    """Batch normalization, ReLU, convolution without bias: the usual order turned round.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel: Side of the (square) kernel.
        groups: Groups of the convolution.
        norm: The normalization; `PooledNorm` behind a pooling.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        *,
        groups: int = 1,
        norm: type[nn.BatchNorm2d] = nn.BatchNorm2d,
    ) -> None:
        super().__init__(
            norm(in_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, groups=groups, bias=False),
        )


class DAPPM(nn.Module):
    """Deep aggregation pyramid pooling: averages over ever larger regions, each refined with the one before.

    Source: Pan et al., "Deep Dual-Resolution Networks", IEEE T-ITS 2023, figure 5.

    Args:
        in_channels: Channels in.
        channels: Channels of each scale.
        out_channels: Channels out.
    """

    def __init__(self, in_channels: int, channels: int, out_channels: int) -> None:
        super().__init__()
        self.scales = pyramid_scales(in_channels, channels)
        self.refine = nn.ModuleList(NormActConv(channels, channels, 3) for _ in range(len(self.scales) - 1))
        self.compress = NormActConv(len(self.scales) * channels, out_channels)
        self.shortcut = NormActConv(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h, w)."""
        first, *pooled = (resize(scale(x), like=x) for scale in self.scales)
        scales = [first]
        for refine, scale in zip(self.refine, pooled, strict=True):
            scales.append(refine(scale + scales[-1]))
        return self.compress(torch.cat(scales, dim=1)) + self.shortcut(x)


def pyramid_scales(in_channels: int, channels: int) -> nn.ModuleList:
    """Build the five scales of a pyramid: as it is, averages over 5, 9 and 17 at strides 2, 4 and 8, the mean.

    Behind 1/64 of a training crop even the average over 17 is a single value, so that all pooled scales take
    a batch of one (`PooledNorm`).
    """
    pools = [nn.AvgPool2d(2 * stride + 1, stride, stride) for stride in (2, 4, 8)]
    return nn.ModuleList(
        [
            NormActConv(in_channels, channels),
            *(
                nn.Sequential(pool, NormActConv(in_channels, channels, norm=PooledNorm))
                for pool in (*pools, nn.AdaptiveAvgPool2d(1))
            ),
        ]
    )


class DualResolutionHead(nn.Sequential):
    """3x3 convolution and 1x1 convolution to logits, each behind batch normalization and ReLU."""

    def __init__(self, in_channels: int, channels: int, num_classes: int) -> None:
        super().__init__(
            NormActConv(in_channels, channels, 3),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, num_classes, 1),
        )
