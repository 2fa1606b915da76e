"""PIDNet: three branches like a PID controller's, for detail (P), context (I) and boundaries (D).

Parameters for 19 classes at inference and GMACs at 1024x2048: S 7,625,715 and 47.2, M 28,538,515 and 177.3,
L 36,939,571 and 274.9; in training, with both extra heads, 7,720,935, 28,763,111 and 37,314,311 parameters. All
equal to XuJiacong/PIDNet.

Source: Xu et al., "PIDNet: A Real-time Semantic Segmentation Network Inspired by PID Controllers", CVPR 2023,
figures 4 to 6.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._dual_resolution import DAPPM, DualResolutionHead, NormActConv, Stem, pyramid_scales
from sceneseg.models._residual import BasicBlock, Bottleneck, basic_blocks
from sceneseg.models._variants import choose
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.models.layers import ConvNormAct, resize
from sceneseg.ranges import Channels


@dataclass(frozen=True)
class Variant:
    """Parameters in which the variants differ.

    Args:
        width: Channels of the stem.
        blocks: Residual blocks of the early stages and of the late ones.
        pyramid_channels: Channels of each scale of the pooling pyramid.
        head_channels: Channels inside the heads.
        light: Whether boundary branch, pyramid and fusion are the cheap ones.
    """

    width: int
    blocks: tuple[int, int]
    pyramid_channels: int
    head_channels: int
    light: bool


VARIANTS = {
    "s": Variant(32, (2, 3), 96, 128, True),
    "m": Variant(64, (2, 3), 96, 128, True),
    "l": Variant(64, (3, 4), 112, 256, False),
}


@register
class PIDNet(SegmentationModel):
    """Three branches from 1/8 on; the boundary branch decides where detail and where context counts; logits at 1/8.

    With `boundary` there is a fourth output in training, one channel that says where boundaries are; the losses
    boundary_bce and boundary_aware are for it.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        variant: "s", "m" or "l".
        width: Channels of the stem, if not the variant's; all others follow.
        aux: Whether an auxiliary head on the detail branch helps training.
        boundary: Whether a boundary head on the boundary branch helps training; it needs a loss of its own.
    """

    size_divisor = 8  # the context branch rounds up by itself

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        variant: str = "s",
        width: Channels | None = None,
        aux: bool = True,
        boundary: bool = False,
    ) -> None:
        super().__init__(num_classes, in_channels)
        v = choose(VARIANTS, variant, "PIDNet variant")
        c = width or v.width
        early, late = v.blocks
        self.stem = nn.Sequential(
            Stem(in_channels, c),
            basic_blocks(c, c, early),
            basic_blocks(c, 2 * c, early, stride=2),
        )
        self.context3 = basic_blocks(2 * c, 4 * c, late, stride=2)
        self.context4 = basic_blocks(4 * c, 8 * c, late, stride=2)
        pyramid = PAPPM if v.light else DAPPM
        self.context5 = nn.Sequential(
            Bottleneck(8 * c, 8 * c, expansion=2, stride=2, act=False),
            Bottleneck(16 * c, 8 * c, expansion=2, act=False),
            pyramid(16 * c, v.pyramid_channels, 4 * c),
        )
        self.detail3 = basic_blocks(2 * c, 2 * c, early, act=False)
        self.attend3 = PixelAttention(4 * c, 2 * c, c)
        self.detail4 = basic_blocks(2 * c, 2 * c, early, act=False)
        self.attend4 = PixelAttention(8 * c, 2 * c, c)
        self.detail5 = Bottleneck(2 * c, 2 * c, expansion=2, act=False)
        d = c if v.light else 2 * c
        self.boundary3 = BasicBlock(2 * c, d, act=False)
        self.difference3 = ConvNormAct(4 * c, d, act=False)
        self.boundary4 = Bottleneck(d, d, expansion=2, act=False) if v.light else BasicBlock(d, d, act=False)
        self.difference4 = ConvNormAct(8 * c, 2 * c, act=False)
        self.boundary5 = Bottleneck(2 * c, 2 * c, expansion=2, act=False)
        self.fusion = LightFusion(4 * c) if v.light else Fusion(4 * c)
        self.head = DualResolutionHead(4 * c, v.head_channels, num_classes)
        self.aux_head = DualResolutionHead(2 * c, v.head_channels, num_classes) if aux else None
        self.boundary_head = DualResolutionHead(2 * c, c, 1) if boundary else None
        self.extra_heads = ("boundary",) if boundary else ()
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return logits at 1/8, and in training those of the auxiliary and the boundary head, at 1/8 too."""
        context = self.stem(self.prepare(image))  # (B, 2c, H/8, W/8)
        detail, boundary = self.detail3(context), self.boundary3(context)

        context = self.context3(context)  # (B, 4c, H/16, W/16)
        early = detail = F.relu(self.attend3(detail, context))  # (B, 2c, H/8, W/8)
        boundary = F.relu(boundary + resize(self.difference3(context), like=boundary))  # (B, d, H/8, W/8)

        context = self.context4(context)  # (B, 8c, H/32, W/32)
        detail = F.relu(self.attend4(self.detail4(detail), context))
        boundary = self.boundary4(boundary)
        edges = F.relu(boundary + resize(self.difference4(context), like=boundary))  # (B, 2c, H/8, W/8)

        context = self.context5(context)  # (B, 4c, H/64, W/64)
        detail, boundary = self.detail5(detail), self.boundary5(edges)  # (B, 4c, H/8, W/8)
        logits = self.head(self.fusion(detail, resize(context, like=detail), boundary))
        if not self.training:
            return (logits,)
        helpers = ((self.aux_head, early), (self.boundary_head, edges))
        return (logits, *(head(features) for head, features in helpers if head is not None))


class PixelAttention(nn.Module):
    """Pixel-attention-guided fusion: where the two agree, the detail branch takes over the context.

    Args:
        context_channels: Channels of the context branch.
        channels: Channels of the detail branch.
        key_channels: Channels in which the two are compared.
    """

    def __init__(self, context_channels: int, channels: int, key_channels: int) -> None:
        super().__init__()
        self.compress = ConvNormAct(context_channels, channels, 1, act=False)
        self.query = ConvNormAct(channels, key_channels, 1, act=False)
        self.key = ConvNormAct(channels, key_channels, 1, act=False)

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        """Merge (B, C, h, w) and the smaller (B, C', h', w') into (B, C, h, w)."""
        context = self.compress(context)
        likeness = self.key(detail) * resize(self.query(context), like=detail)
        weight = torch.sigmoid(likeness.sum(dim=1, keepdim=True))  # (B, 1, h, w)
        return torch.lerp(detail, resize(context, like=detail), weight)


class PAPPM(nn.Module):
    """Parallel aggregation pyramid pooling: DAPPM whose scales are refined all at once, by one grouped convolution.

    Args:
        in_channels: Channels in.
        channels: Channels of each scale.
        out_channels: Channels out.
    """

    def __init__(self, in_channels: int, channels: int, out_channels: int) -> None:
        super().__init__()
        self.scales = pyramid_scales(in_channels, channels)
        pooled = len(self.scales) - 1
        self.refine = NormActConv(pooled * channels, pooled * channels, 3, groups=pooled)
        self.compress = NormActConv(len(self.scales) * channels, out_channels)
        self.shortcut = NormActConv(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h, w)."""
        first, *pooled = (resize(scale(x), like=x) for scale in self.scales)
        refined = self.refine(torch.cat([scale + first for scale in pooled], dim=1))
        return self.compress(torch.cat([first, refined], dim=1)) + self.shortcut(x)


class LightFusion(nn.Module):
    """Boundary-attention-guided fusion of S and M: two 1x1 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.detail = ConvNormAct(channels, channels, 1, act=False)
        self.context = ConvNormAct(channels, channels, 1, act=False)

    def forward(self, detail: Tensor, context: Tensor, boundary: Tensor) -> Tensor:
        """Merge three times (B, C, h, w) into one."""
        edge = torch.sigmoid(boundary)
        return self.detail((1 - edge) * context + detail) + self.context(context + edge * detail)


class Fusion(nn.Module):
    """Boundary-attention-guided fusion of L: detail at boundaries, context elsewhere, one 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = NormActConv(channels, channels, 3)

    def forward(self, detail: Tensor, context: Tensor, boundary: Tensor) -> Tensor:
        """Merge three times (B, C, h, w) into one."""
        return self.conv(torch.lerp(context, detail, torch.sigmoid(boundary)))
