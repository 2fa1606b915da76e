"""Blocks that several architectures share."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvNormAct(nn.Sequential):
    """Convolution, batch normalization, activation; padded so that stride 1 keeps the size.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel: Side of the (square) kernel.
        stride: Stride.
        dilation: Distance between the taps.
        groups: Groups of the convolution; `in_channels` makes it depthwise.
        act: Whether ReLU follows.
        norm: The normalization; `PooledNorm` behind a global pooling.
        bias: Whether the convolution has a bias. The normalization takes it away again; some authors keep it.
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
        norm: type[nn.BatchNorm2d] = nn.BatchNorm2d,
        bias: bool = False,
    ) -> None:
        padding = dilation * (kernel - 1) // 2
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, groups, bias),
            norm(out_channels),
        ]
        if act:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class PooledNorm(nn.BatchNorm2d):
    """Batch normalization behind a global pooling, which also takes a batch of one in training.

    One value per channel has no spread to divide by (`nn.BatchNorm2d` refuses it). It is normalized by the
    running statistics instead and leaves them as they are; everything else is `nn.BatchNorm2d`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same size."""
        if self.training and x.shape[0] * x.shape[2] * x.shape[3] == 1:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


class SeparableConv(nn.Sequential):
    """Depthwise 3x3 and pointwise 1x1 convolution, each with batch normalization and ReLU.

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


class PyramidPooling(nn.Module):
    """Averages over 1, 2x2, 3x3 and 6x6 regions, each through a 1x1 convolution, put behind the input.

    Twice as many channels come out as go in.

    Source: Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, figure 3.

    Args:
        in_channels: Channels in, a multiple of 4.
        align_corners: How the averages are enlarged, as in `torch.nn.functional.interpolate`.
    """

    bins = (1, 2, 3, 6)

    def __init__(self, in_channels: int, align_corners: bool = False) -> None:
        super().__init__()
        self.align_corners = align_corners
        part = in_channels // len(self.bins)
        self.parts = nn.ModuleList(ConvNormAct(in_channels, part, 1, norm=PooledNorm) for _ in self.bins)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, 2C, h, w)."""
        pooled = [part(average_pool(x, (b, b))) for part, b in zip(self.parts, self.bins, strict=True)]
        return torch.cat([x, *(resize(p, like=x, align_corners=self.align_corners) for p in pooled)], dim=1)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: what lies at several distances, and the average of the whole image.

    Source: Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017, figure 5; with
    separable convolutions in Chen et al., "Encoder-Decoder with Atrous Separable Convolution", ECCV 2018.

    Args:
        in_channels: Channels in.
        out_channels: Channels of each branch, and of the output.
        rates: Dilations of the 3x3 convolutions.
        separable: Whether these are separable.
        dropout: Probability of dropping a value of the output.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        rates: Sequence[int],
        *,
        separable: bool = False,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        conv = SeparableConv if separable else ConvNormAct
        self.point = ConvNormAct(in_channels, out_channels, 1)
        self.atrous = nn.ModuleList(conv(in_channels, out_channels, dilation=rate) for rate in rates)
        self.whole = ConvNormAct(in_channels, out_channels, 1, norm=PooledNorm)
        self.project = nn.Sequential(ConvNormAct((len(rates) + 2) * out_channels, out_channels, 1), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h, w)."""
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand(-1, -1, x.shape[2], x.shape[3])
        return self.project(torch.cat([self.point(x), *(conv(x) for conv in self.atrous), whole], dim=1))


def resize(x: Tensor, like: Tensor, align_corners: bool = False) -> Tensor:
    """Interpolate x bilinearly to the height and width of `like`, by default on half-pixel centers."""
    size = (like.shape[-2], like.shape[-1])
    return x if x.shape[-2:] == size else F.interpolate(x, size=size, mode="bilinear", align_corners=align_corners)


def average_pool(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Average (B, C, h, w) over `size` bins, which overlap where they don't divide the map.

    In an export it is two matrix products, as ONNX has no adaptive pooling for maps of any size.
    """
    if not torch.compiler.is_exporting():
        return F.adaptive_avg_pool2d(x, size)
    rows, columns = (_bins(x.shape[axis], bins, x) for axis, bins in ((2, size[0]), (3, size[1])))
    return rows @ x @ columns.transpose(0, 1)


def _bins(length: int, bins: int, like: Tensor) -> Tensor:
    """Return what each cell of a row counts in each bin, (bins, length): bin i reaches from floor(i l / n) to
    ceil((i + 1) l / n)."""
    cells = torch.arange(length, device=like.device)
    numbers = torch.arange(bins, device=like.device)[:, None]
    first, end = numbers * length // bins, ((numbers + 1) * length + bins - 1) // bins
    inside = (cells >= first) & (cells < end)
    return (inside / (end - first)).to(like.dtype)
