"""Fast-SCNN: a learned downsampling shared by a detail branch at 1/8 and a deep, cheap context branch at 1/32.

1,138,051 parameters for 19 classes (1,157,174 with the auxiliary head; equal to Tramac/Fast-SCNN-pytorch),
6.7 GMACs at 1024x2048.

Source: Poudel et al., "Fast-SCNN: Fast Semantic Segmentation Network", BMVC 2019, table 1 and figure 2.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.models.layers import ConvNormAct, FCNHead, PyramidPooling, SeparableConv, resize
from sceneseg.ranges import Channels, Dropout, WidthFactor


@register
class FastSCNN(SegmentationModel):
    """Two branches after a shared stem; logits at 1/8.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Multiplies every channel count; 1.0 is the paper's.
        dropout: Probability of dropping a value before the last convolution.
        aux: Whether an auxiliary head on the detail branch helps training.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        width: WidthFactor = 1.0,
        dropout: Dropout = 0.1,
        aux: bool = True,
    ) -> None:
        super().__init__(num_classes, in_channels)
        c32, c48, c64, c96, c128 = (max(8, round(c * width / 8) * 8) for c in (32, 48, 64, 96, 128))
        self.downsample = nn.Sequential(
            ConvNormAct(in_channels, c32, stride=2),
            SeparableConv(c32, c48, stride=2),
            SeparableConv(c48, c64, stride=2),
        )
        self.context = nn.Sequential(
            *bottlenecks(c64, c64, 3, stride=2),
            *bottlenecks(c64, c96, 3, stride=2),
            *bottlenecks(c96, c128, 3, stride=1),
            PyramidPooling(c128),
            ConvNormAct(2 * c128, c128, 1),
        )
        self.fusion = FeatureFusion(c64, c128, c128)
        self.head = nn.Sequential(
            SeparableConv(c128, c128),
            SeparableConv(c128, c128),
            nn.Dropout(dropout),
            nn.Conv2d(c128, num_classes, 1),
        )
        self.aux_head = FCNHead(c64, c32, num_classes) if aux else None
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return logits at 1/8, and in training those of the auxiliary head, at 1/8 too."""
        detail = self.downsample(self.prepare(image))  # (B, 64, H/8, W/8)
        context = self.context(detail)  # (B, 128, H/32, W/32)
        logits = self.head(self.fusion(detail, context))
        if self.training and self.aux_head is not None:
            return logits, self.aux_head(detail)
        return (logits,)


def bottlenecks(in_channels: int, out_channels: int, count: int, stride: int) -> list[nn.Module]:
    """Build `count` inverted residuals of expansion 6; the first one has the stride."""
    first = InvertedResidual(in_channels, out_channels, stride)
    return [first, *(InvertedResidual(out_channels, out_channels, 1) for _ in range(count - 1))]


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter depthwise, project linearly; added to the input where shapes allow.

    Source: Sandler et al., "MobileNetV2", CVPR 2018, figure 4.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int = 6) -> None:
        super().__init__()
        self.residual = stride == 1 and in_channels == out_channels
        hidden = in_channels * expansion
        self.block = nn.Sequential(
            ConvNormAct(in_channels, hidden, 1),
            ConvNormAct(hidden, hidden, stride=stride, groups=hidden),
            ConvNormAct(hidden, out_channels, 1, act=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h/stride, w/stride)."""
        y: Tensor = self.block(x)
        return x + y if self.residual else y


class FeatureFusion(nn.Module):
    """Add the enlarged context to the detail, both brought to the same channels."""

    def __init__(self, detail_channels: int, context_channels: int, out_channels: int) -> None:
        super().__init__()
        self.filter = ConvNormAct(context_channels, out_channels, groups=context_channels)
        self.context = nn.Sequential(nn.Conv2d(out_channels, out_channels, 1), nn.BatchNorm2d(out_channels))
        self.detail = nn.Sequential(nn.Conv2d(detail_channels, out_channels, 1), nn.BatchNorm2d(out_channels))

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        """Merge (B, 64, h, w) and (B, 128, h/4, w/4) into (B, 128, h, w)."""
        context = self.context(self.filter(resize(context, like=detail)))
        return F.relu(self.detail(detail) + context)
