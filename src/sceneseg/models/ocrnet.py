"""OCRNet: HRNet whose pixels look at the mean of each class's region before they decide.

With HRNet-W48 70,372,678 parameters for 19 classes, 534,259 of them in the head that proposes the regions and is
also the auxiliary head (equal to HRNet/HRNet-Semantic-Segmentation, branch HRNet-OCR); 1297.9 GMACs at 1024x2048.

Source: Yuan et al., "Segmentation Transformer: Object-Contextual Representations for Semantic Segmentation",
ECCV 2020 (arXiv 1909.11065), figure 3. Differs: maps are enlarged with half-pixel centers (align_corners=False),
as in HRNet; the authors' OCR branch aligns corners.
"""

import torch
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._hrnet import HRNetBackbone, concatenate, load_imagenet_weights, pixel_head
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.models.layers import ConvNormAct
from sceneseg.ranges import Channels, Dropout


@register
class OCRNet(SegmentationModel):
    """HRNet backbone, soft regions, attention from pixels to regions; logits at 1/4.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        variant: Of the backbone: "w18-small-v1", "w18-small-v2", "w18", "w32" or "w48".
        width: Channels of the backbone's branch at 1/4, if not the variant's.
        channels: Channels of the pixels' representation.
        key_channels: Channels in which pixels and regions are compared.
        dropout: Probability of dropping a whole channel before the last convolution.
        pretrained: Start from ImageNet weights (timm's, downloaded once).
    """

    size_divisor = 4  # smaller branches round up by themselves

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        variant: str = "w48",
        width: Channels | None = None,
        channels: Channels = 512,
        key_channels: Channels = 256,
        dropout: Dropout = 0.05,
        pretrained: bool = False,
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.backbone = HRNetBackbone(in_channels, variant, width)
        stacked = sum(self.backbone.channels)
        self.region_head = pixel_head(stacked, num_classes)
        self.pixels = ConvNormAct(stacked, channels, bias=True)
        self.attention = RegionAttention(channels, key_channels)
        self.merge = nn.Sequential(ConvNormAct(2 * channels, channels, 1), nn.Dropout2d(dropout))
        self.head = nn.Conv2d(channels, num_classes, 1)
        initialize(self.backbone)  # the rest as PyTorch does it, like the authors
        if pretrained:
            load_imagenet_weights(self.backbone, variant, in_channels)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return logits at 1/4, and in training those of the soft regions, at 1/4 too."""
        features = concatenate(self.backbone(self.prepare(image)))  # (B, 15w, H/4, W/4)
        regions = self.region_head(features)  # (B, num_classes, H/4, W/4)
        pixels = self.pixels(features)  # (B, channels, H/4, W/4)
        context = self.attention(pixels, region_means(pixels, regions))
        logits = self.head(self.merge(torch.cat([context, pixels], dim=1)))
        return (logits, regions) if self.training else (logits,)


def region_means(pixels: Tensor, regions: Tensor) -> Tensor:
    """Average the pixels of each soft region.

    Args:
        pixels: (B, C, h, w).
        regions: Logits (B, K, h, w); a region's weights over all pixels add up to one.

    Returns:
        (B, C, K, 1), so that 1x1 convolutions work on it.
    """
    weights = regions.flatten(2).softmax(dim=2)  # (B, K, h w)
    return (pixels.flatten(2) @ weights.transpose(1, 2)).unsqueeze(3)


class RegionAttention(nn.Module):
    """Each pixel fetches a mixture of the regions' representations, by likeness.

    Args:
        channels: Channels of pixels and regions.
        key_channels: Channels in which they are compared.
    """

    def __init__(self, channels: int, key_channels: int) -> None:
        super().__init__()
        self.query = nn.Sequential(ConvNormAct(channels, key_channels, 1), ConvNormAct(key_channels, key_channels, 1))
        self.key = nn.Sequential(ConvNormAct(channels, key_channels, 1), ConvNormAct(key_channels, key_channels, 1))
        self.value = ConvNormAct(channels, key_channels, 1)
        self.project = ConvNormAct(key_channels, channels, 1)

    def forward(self, pixels: Tensor, regions: Tensor) -> Tensor:
        """Map pixels (B, C, h, w) and regions (B, C, K, 1) to the pixels' context (B, C, h, w)."""
        query, key, value = (
            part(x).flatten(2).transpose(1, 2)
            for part, x in ((self.query, pixels), (self.key, regions), (self.value, regions))
        )
        # written out, as PyTorch's own attention can't be exported here
        alike = (query @ key.transpose(1, 2) / key.shape[-1] ** 0.5).softmax(-1)  # (B, h w, K)
        context = alike @ value  # (B, h w, key_channels)
        height, width = pixels.shape[-2:]
        return self.project(context.transpose(1, 2).reshape(pixels.shape[0], -1, height, width))
