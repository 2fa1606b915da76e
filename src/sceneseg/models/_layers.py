"""Blocks that several architectures share."""

import torch.nn.functional as F
from torch import Tensor, nn


class ConvNormAct(nn.Sequential):
    """Convolution without bias, batch normalisation, activation; padded so that stride 1 keeps the size.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel: Side of the (square) kernel.
        stride: Stride.
        dilation: Distance between the taps.
        groups: Groups of the convolution; `in_channels` makes it depthwise.
        act: Whether ReLU follows.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        act: bool = True,
    ) -> None:
        padding = dilation * (kernel - 1) // 2
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, groups, bias=False),
            nn.BatchNorm2d(out_channels),
        ]
        if act:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class SeparableConv(nn.Sequential):
    """Depthwise 3x3 and pointwise 1x1 convolution, each with batch normalisation and ReLU.

    Source: Howard et al., "MobileNets", 2017.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__(
            ConvNormAct(in_channels, in_channels, stride=stride, dilation=dilation, groups=in_channels),
            ConvNormAct(in_channels, out_channels, 1),
        )


class FCNHead(nn.Sequential):
    """The usual auxiliary head: 3x3 convolution, dropout, 1x1 convolution to logits.

    Args:
        in_channels: Channels in.
        channels: Channels between.
        num_classes: Channels out.
        dropout: Probability of dropping a value before the last convolution.
    """

    def __init__(self, in_channels: int, channels: int, num_classes: int, dropout: float = 0.1) -> None:
        super().__init__(ConvNormAct(in_channels, channels), nn.Dropout(dropout), nn.Conv2d(channels, num_classes, 1))


def resize(x: Tensor, like: Tensor) -> Tensor:
    """Interpolate x bilinearly to the height and width of `like` (half-pixel centres, align_corners=False)."""
    size = (like.shape[-2], like.shape[-1])
    return x if x.shape[-2:] == size else F.interpolate(x, size=size, mode="bilinear", align_corners=False)
