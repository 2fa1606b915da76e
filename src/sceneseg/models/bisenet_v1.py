"""BiSeNetV1: a shallow path for detail at 1/8 and a deep path for context.

13,275,539 parameters for 19 classes, 13,425,721 with the auxiliary heads (equal to CoinCheung/BiSeNet, whose
weights give the same logits here), 118.3 GMACs at 1024x2048.

Source: Yu et al., "BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation", ECCV 2018,
figure 2, with the details of CoinCheung/BiSeNet: nearest-neighbor upsampling, one convolution with batch
normalization (in place of two) in the fusion's attention.
"""

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._encoder import TimmEncoder, initialize_decoder
from sceneseg.models.base import SegmentationModel
from sceneseg.models.layers import ConvNormAct, FCNHead, PooledNorm
from sceneseg.ranges import Channels, Range


@register
class BiSeNetV1(SegmentationModel):
    """A spatial path, a context path on a timm encoder, their fusion; logits at 1/8.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        encoder: Any timm network with maps of stride 16 and 32.
        pretrained: Start the encoder from timm's weights.
        decoder_channels: Channels of each path; the fusion has twice, the auxiliary heads half as many.
        aux: Whether auxiliary heads on the context path help training.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        encoder: str = "resnet18",
        pretrained: bool = False,
        decoder_channels: Annotated[int, Range(2, 65_536)] = 128,
        aux: bool = True,
    ) -> None:
        super().__init__(num_classes, in_channels)
        width = decoder_channels
        self.spatial = nn.Sequential(
            ConvNormAct(in_channels, width // 2, 7, stride=2),
            ConvNormAct(width // 2, width // 2, stride=2),
            ConvNormAct(width // 2, width // 2, stride=2),
            ConvNormAct(width // 2, width, 1),
        )
        self.encoder = TimmEncoder(encoder, in_channels, strides=(16, 32), pretrained=pretrained)
        self.context = ContextPath(self.encoder.channels, width)
        self.fusion = FeatureFusion(2 * width)
        self.head = FCNHead(2 * width, 2 * width, num_classes, dropout=0)
        self.aux_heads = nn.ModuleList(FCNHead(width, width // 2, num_classes, dropout=0) for _ in range(2 * aux))
        initialize_decoder(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return logits at 1/8, and in training those of the auxiliary heads, at 1/8 and 1/16."""
        image = self.prepare(image)
        context = self.context(self.encoder(image))  # (B, 128, H/8, W/8) and (B, 128, H/16, W/16)
        logits = self.head(self.fusion(self.spatial(image), context[0]))
        if self.training:
            return logits, *(head(x) for head, x in zip(self.aux_heads, context, strict=False))
        return (logits,)


class ContextPath(nn.Module):
    """Refine the encoder's last two maps by attention and bring them up, the whole scene's average added."""

    def __init__(self, in_channels: list[int], width: int) -> None:
        super().__init__()
        self.refine_16, self.refine_32 = (AttentionRefinement(channels, width) for channels in in_channels)
        self.whole = ConvNormAct(in_channels[1], width, 1, norm=PooledNorm)
        self.conv_16, self.conv_32 = ConvNormAct(width, width), ConvNormAct(width, width)

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Turn maps at H/16 and H/32 into maps at H/8 and H/16."""
        x16, x32 = maps
        whole = self.whole(x32.mean((2, 3), keepdim=True))  # (B, C, 1, 1)
        y16 = self.conv_32(double(self.refine_32(x32) + whole))
        y8 = self.conv_16(double(self.refine_16(x16) + y16))
        return y8, y16


class AttentionRefinement(nn.Module):
    """A 3x3 convolution whose channels are weighted by what the whole scene shows."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvNormAct(in_channels, out_channels)
        self.attention = ConvNormAct(out_channels, out_channels, 1, act=False, norm=PooledNorm)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h, w)."""
        x = self.conv(x)
        return x * self.attention(x.mean((2, 3), keepdim=True)).sigmoid()


class FeatureFusion(nn.Module):
    """Join detail and context, mix them, and raise the channels that the whole scene asks for."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = ConvNormAct(channels, channels, 1)
        self.attention = ConvNormAct(channels, channels, 1, act=False, norm=PooledNorm)

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        """Merge two (B, C, h, w) into (B, 2C, h, w)."""
        x = self.conv(torch.cat([detail, context], dim=1))
        return x + x * self.attention(x.mean((2, 3), keepdim=True)).sigmoid()


def double(x: Tensor) -> Tensor:
    """Repeat each value over 2 x 2 pixels."""
    return F.interpolate(x, scale_factor=2, mode="nearest")
