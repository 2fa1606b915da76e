"""Residual blocks as in ResNet; HRNet, DDRNet and PIDNet are made of them."""

import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.models.layers import ConvNormAct


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, added to the input.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figure 5 (left).

    Args:
        in_channels: Channels in.
        channels: Channels out.
        stride: Stride of the first convolution.
        act: Whether ReLU follows the addition.
    """

    def __init__(self, in_channels: int, channels: int, *, stride: int = 1, act: bool = True) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            ConvNormAct(in_channels, channels, stride=stride),
            ConvNormAct(channels, channels, act=False),
        )
        self.shortcut = shortcut(in_channels, channels, stride)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h/stride, w/stride)."""
        y: Tensor = self.convs(x) + self.shortcut(x)
        return F.relu(y) if self.act else y


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution, added to the input; `expansion * channels` come out.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figure 5 (right).

    Args:
        in_channels: Channels in.
        channels: Channels of the 3x3 convolution.
        expansion: Channels out per channel inside.
        stride: Stride of the 3x3 convolution.
        act: Whether ReLU follows the addition.
    """

    def __init__(
        self, in_channels: int, channels: int, *, expansion: int = 4, stride: int = 1, act: bool = True
    ) -> None:
        super().__init__()
        out_channels = channels * expansion
        self.convs = nn.Sequential(
            ConvNormAct(in_channels, channels, 1),
            ConvNormAct(channels, channels, stride=stride),
            ConvNormAct(channels, out_channels, 1, act=False),
        )
        self.shortcut = shortcut(in_channels, out_channels, stride)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h/stride, w/stride)."""
        y: Tensor = self.convs(x) + self.shortcut(x)
        return F.relu(y) if self.act else y


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Return what brings the input to the output's shape: nothing, or a strided 1x1 convolution."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return ConvNormAct(in_channels, out_channels, 1, stride=stride, act=False)


def basic_blocks(in_channels: int, channels: int, count: int, *, stride: int = 1, act: bool = True) -> nn.Sequential:
    """Chain `count` basic blocks; the first has the stride, `act` says whether the last one ends in ReLU."""
    blocks = [BasicBlock(in_channels, channels, stride=stride, act=act or count > 1)]
    blocks += [BasicBlock(channels, channels, act=act or i < count - 1) for i in range(1, count)]
    return nn.Sequential(*blocks)
