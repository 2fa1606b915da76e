"""BiSeNetV2: a wide, shallow detail branch and a thin, deep semantic branch, each gating the other.

3,358,627 parameters for 19 classes (5,231,487 with the auxiliary heads; equal to CoinCheung/BiSeNet), 98.4 GMACs
at 1024x2048.

Source: Yu et al., "BiSeNet V2: Bilateral Network with Guided Aggregation for Real-Time Semantic Segmentation",
IJCV 2021, table 1 and figures 4 to 7. As in CoinCheung/BiSeNet, ReLU follows the depthwise expansion, and batch
normalization with ReLU the last convolution of context embedding and of the aggregation. Differs from it: the
aggregation enlarges bilinearly, as the paper says.
"""

import torch
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.models.layers import ConvNormAct, FCNHead, PooledNorm, resize
from sceneseg.ranges import Channels, Dropout, WidthFactor


@register
class BiSeNetV2(SegmentationModel):
    """Two branches from the image on; logits at 1/8.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Multiplies the channels of both branches; 1.0 is the paper's.
        head_channels: Channels in the head; each auxiliary head has an eighth of them.
        dropout: Probability of dropping a value in the heads.
        aux: Whether four auxiliary heads on the semantic branch help training.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        width: WidthFactor = 1.0,
        head_channels: Channels = 1024,
        dropout: Dropout = 0.1,
        aux: bool = True,
    ) -> None:
        super().__init__(num_classes, in_channels)
        c16, c32, c64, c128 = (max(4, round(c * width / 4) * 4) for c in (16, 32, 64, 128))
        self.detail = nn.Sequential(
            convolutions(in_channels, c64, 2),
            convolutions(c64, c64, 3),
            convolutions(c64, c128, 3),
        )
        self.semantic = nn.ModuleList(
            [
                Stem(in_channels, c16),
                nn.Sequential(GatherExpandDown(c16, c32), GatherExpand(c32)),
                nn.Sequential(GatherExpandDown(c32, c64), GatherExpand(c64)),
                nn.Sequential(GatherExpandDown(c64, c128), *(GatherExpand(c128) for _ in range(3))),
            ]
        )
        self.context = ContextEmbedding(c128)
        self.aggregation = GuidedAggregation(c128)
        self.head = FCNHead(c128, head_channels, num_classes, dropout)
        self.aux_heads = nn.ModuleList(
            EnlargingHead(c, head_channels // 8, 4 * 2**i, num_classes, dropout)
            for i, c in enumerate((c16, c32, c64, c128) if aux else ())
        )
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return logits at 1/8, and in training those of the auxiliary heads at 1/2, 1/4, 1/8 and 1/16."""
        x = image = self.prepare(image)
        features = []
        for stage in self.semantic:
            x = stage(x)
            features.append(x)  # 1/4, 1/8, 1/16, 1/32
        fused = self.aggregation(self.detail(image), self.context(x))  # (B, 128, H/8, W/8)
        logits = self.head(fused)
        if self.training:
            return (logits, *(head(x) for head, x in zip(self.aux_heads, features, strict=False)))
        return (logits,)


def convolutions(in_channels: int, out_channels: int, count: int) -> nn.Sequential:
    """Chain `count` 3x3 convolutions; the first one halves the size."""
    first = ConvNormAct(in_channels, out_channels, stride=2)
    return nn.Sequential(first, *(ConvNormAct(out_channels, out_channels) for _ in range(count - 1)))


class Stem(nn.Module):
    """Quarter the size, by a strided convolution next to a maximum pooling (figure 5a)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvNormAct(in_channels, out_channels, stride=2)
        self.left = nn.Sequential(
            ConvNormAct(out_channels, out_channels // 2, 1), ConvNormAct(out_channels // 2, out_channels, stride=2)
        )
        self.right = nn.MaxPool2d(3, stride=2, padding=1)
        self.fuse = ConvNormAct(2 * out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h/4, w/4)."""
        x = self.conv(x)
        return self.fuse(torch.cat([self.left(x), self.right(x)], dim=1))


class GatherExpand(nn.Module):
    """Gather by a 3x3 convolution, expand depthwise, project linearly; added to the input (figure 6b)."""

    def __init__(self, channels: int, expansion: int = 6) -> None:
        super().__init__()
        hidden = channels * expansion
        self.block = nn.Sequential(
            ConvNormAct(channels, channels),
            ConvNormAct(channels, hidden, groups=channels),
            ConvNormAct(hidden, channels, 1, act=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same size."""
        return torch.relu(x + self.block(x))


class GatherExpandDown(nn.Module):
    """The same with stride 2: two depthwise convolutions, and a separable one as the shortcut (figure 6c)."""

    def __init__(self, in_channels: int, out_channels: int, expansion: int = 6) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.block = nn.Sequential(
            ConvNormAct(in_channels, in_channels),
            ConvNormAct(in_channels, hidden, stride=2, groups=in_channels, act=False),
            ConvNormAct(hidden, hidden, groups=hidden),
            ConvNormAct(hidden, out_channels, 1, act=False),
        )
        self.shortcut = nn.Sequential(
            ConvNormAct(in_channels, in_channels, stride=2, groups=in_channels, act=False),
            ConvNormAct(in_channels, out_channels, 1, act=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h/2, w/2)."""
        return torch.relu(self.shortcut(x) + self.block(x))


class ContextEmbedding(nn.Module):
    """Add the image's average to every position (figure 5b)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = PooledNorm(channels)
        self.embed = ConvNormAct(channels, channels, 1, norm=PooledNorm)
        self.fuse = ConvNormAct(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same size."""
        average = x.mean(dim=(2, 3), keepdim=True)
        return self.fuse(x + self.embed(self.norm(average)))


class GuidedAggregation(nn.Module):
    """Aggregation in which each branch gates the other, at both resolutions, and the results are added (figure 7)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.detail_keep = depthwise_pointwise(channels)
        self.detail_down = nn.Sequential(
            ConvNormAct(channels, channels, stride=2, act=False), nn.AvgPool2d(3, stride=2, padding=1)
        )
        self.semantic_up = ConvNormAct(channels, channels, act=False)
        self.semantic_keep = depthwise_pointwise(channels)
        self.fuse = ConvNormAct(channels, channels)

    def forward(self, detail: Tensor, semantic: Tensor) -> Tensor:
        """Merge (B, C, h, w) and (B, C, h/4, w/4) into (B, C, h, w)."""
        fine = self.detail_keep(detail) * torch.sigmoid(resize(self.semantic_up(semantic), like=detail))
        coarse = self.detail_down(detail) * torch.sigmoid(self.semantic_keep(semantic))
        return self.fuse(fine + resize(coarse, like=detail))


def depthwise_pointwise(channels: int) -> nn.Sequential:
    """Build a normalized depthwise convolution and a bare pointwise one."""
    return nn.Sequential(
        ConvNormAct(channels, channels, groups=channels, act=False), nn.Conv2d(channels, channels, 1, bias=False)
    )


class EnlargingHead(nn.Sequential):
    """The auxiliary head: double the size between two 3x3 convolutions, then logits."""

    def __init__(self, in_channels: int, channels: int, stride: int, num_classes: int, dropout: float) -> None:
        super().__init__(
            ConvNormAct(in_channels, channels),
            nn.Dropout(dropout),
            nn.Upsample(scale_factor=2, mode="nearest"),
            ConvNormAct(channels, stride**2, 3),
            nn.Conv2d(stride**2, num_classes, 1),
        )
