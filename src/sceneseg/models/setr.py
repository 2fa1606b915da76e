"""SETR: a plain vision transformer as encoder, and three decoders: naive, progressive (PUP), multi-level (MLA).

Parameters with ViT-Large, image_size 768 and 19 classes, at inference (in training) and GMACs at 1024x2048:
naive 305,728,019 (306,537,548) and 5782, PUP 309,596,947 (319,064,927) and 6208, MLA 310,737,427 (310,756,883) and
5834. fudan-zvg/SETR counts 9,747 more a head, for a layer of its framework that is never called.

Source: Zheng et al., "Rethinking Semantic Segmentation from a Sequence-to-Sequence Perspective with Transformers",
CVPR 2021, figure 1 and section 3. Differs: the class token takes part in the attention with MLA too; maps are
enlarged with half-pixel centers; auxiliary logits stay at 1/16 (authors: PUP's at 1/4); the image is normalized as
ViT's weights expect it to be (0.5, 0.5).
"""

import torch
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._transformer import PATCH, VIT_MEAN, VIT_STD, ViTEncoder
from sceneseg.models._variants import choose
from sceneseg.models.base import SegmentationModel
from sceneseg.models.layers import ConvNormAct
from sceneseg.ranges import Channels, Dropout, Side

TAPS = {"naive": (10, 15, 20, 24), "pup": (10, 15, 20, 24), "mla": (6, 12, 18, 24)}
"""Which of 24 layers a decoder looks at."""


@register
class SETR(SegmentationModel):
    """ViT encoder and a convolutional decoder; logits at 1/16 (naive), 1/2 (PUP) or 1/4 (MLA).

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        decoder: "naive", "pup" or "mla".
        variant: "tiny", "small", "base" or "large".
        image_size: Height and width for which position embeddings are learned; use the crop size.
        channels: Channels of the decoder.
        embed_dim: Channels of a token, if not the variant's.
        depth: Layers of the encoder, if not the variant's.
        heads: Attention heads, if not the variant's.
        drop_path: Probability of skipping the encoder's last layer for a sample; it rises linearly from 0.
        aux: Whether auxiliary heads on the encoder's layers help training.
        pretrained: Start from ImageNet weights (timm's, downloaded once).
    """

    size_divisor = PATCH

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        decoder: str = "pup",
        variant: str = "large",
        image_size: Side = 768,
        channels: Channels = 256,
        embed_dim: Channels | None = None,
        depth: Channels | None = None,
        heads: Channels | None = None,
        drop_path: Dropout = 0.0,
        aux: bool = True,
        pretrained: bool = False,
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.mean.fill_(VIT_MEAN)
        self.std.fill_(VIT_STD)
        taps = choose(TAPS, decoder, "SETR decoder")
        self.encoder = ViTEncoder(
            in_channels,
            variant,
            image_size,
            taps,
            norm=False,
            embed_dim=embed_dim,
            depth=depth,
            heads=heads,
            drop_path=drop_path,
            pretrained=pretrained,
        )
        make = {"naive": naive_decoder, "pup": progressive_decoder, "mla": MultiLevelDecoder}
        self.decoder = choose(make, decoder, "SETR decoder")(self.encoder.channels, channels, num_classes, aux)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at the decoder's stride, and in training those of the auxiliary heads, at 1/16."""
        return self.decoder(self.encoder(self.prepare(image)))


def naive_decoder(in_channels: int, channels: int, num_classes: int, aux: bool) -> "LastLayerDecoder":
    """Build the naive decoder: 1x1 convolutions; auxiliary heads of the same kind on three earlier layers."""
    early = [Head(in_channels, channels, num_classes, kernel=1) for _ in range(3 if aux else 0)]
    return LastLayerDecoder(Head(in_channels, channels, num_classes, kernel=1), early)


def progressive_decoder(in_channels: int, channels: int, num_classes: int, aux: bool) -> "LastLayerDecoder":
    """Build PUP: 3x3 convolutions and doublings in turn; auxiliary heads on three earlier layers and the last."""
    early = [Head(in_channels, channels, num_classes, kernel=3) for _ in range(4 if aux else 0)]
    return LastLayerDecoder(Head(in_channels, channels, num_classes, kernel=3, doublings=3), early)


class LastLayerDecoder(nn.Module):
    """A head on the last layer and auxiliary heads on the layers from the first tap on."""

    def __init__(self, head: nn.Module, aux_heads: list["Head"]) -> None:
        super().__init__()
        self.head = head
        self.aux_heads = nn.ModuleList(aux_heads)

    def forward(self, layers: list[Tensor]) -> tuple[Tensor, ...]:
        """Map layers (B, h, w, C) to logits, in training with those of the auxiliary heads."""
        logits = self.head(layers[-1])
        if not self.training:
            return (logits,)
        return (logits, *(head(x) for head, x in zip(self.aux_heads, layers, strict=False)))


class Head(nn.Module):
    """Layer norm, convolutions with doublings of the size between them, 1x1 convolution to logits.

    Args:
        in_channels: Channels of a token.
        channels: Channels of the convolutions.
        num_classes: Channels of the logits.
        kernel: Side of the first convolution's kernel.
        doublings: How often the size is doubled; a 3x3 convolution follows each time.
    """

    def __init__(self, in_channels: int, channels: int, num_classes: int, kernel: int, doublings: int = 0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(in_channels, eps=1e-6)
        layers: list[nn.Module] = [ConvNormAct(in_channels, channels, kernel, bias=True)]
        for _ in range(doublings):
            layers += [Enlarge(2), ConvNormAct(channels, channels, bias=True)]
        self.convs = nn.Sequential(*layers, nn.Conv2d(channels, num_classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, h, w, C) to logits (B, num_classes, 2^doublings h, 2^doublings w)."""
        return self.convs(self.norm(x).permute(0, 3, 1, 2))


class Enlarge(nn.Upsample):
    """Interpolate bilinearly to a multiple of the size."""

    def __init__(self, factor: int) -> None:
        super().__init__(scale_factor=factor, mode="bilinear", align_corners=False)


class MultiLevelDecoder(nn.Module):
    """MLA: four layers, each added to the deeper ones, convolved and enlarged four times, then stacked."""

    def __init__(self, in_channels: int, channels: int, num_classes: int, aux: bool) -> None:
        super().__init__()
        levels, half = range(4), channels // 2
        self.norms = nn.ModuleList(nn.LayerNorm(in_channels, eps=1e-6) for _ in levels)
        self.reduce = nn.ModuleList(ConvNormAct(in_channels, channels, 1) for _ in levels)
        self.smooth = nn.ModuleList(ConvNormAct(channels, channels) for _ in levels)
        self.enlarge = nn.ModuleList(
            nn.Sequential(ConvNormAct(channels, half), ConvNormAct(half, half), Enlarge(4)) for _ in levels
        )
        self.head = nn.Conv2d(4 * half, num_classes, 3, padding=1)
        self.aux_heads = nn.ModuleList(nn.Conv2d(channels, num_classes, 1, bias=False) for _ in levels if aux)

    def forward(self, layers: list[Tensor]) -> tuple[Tensor, ...]:
        """Map layers (B, h, w, C) to logits (B, num_classes, 4h, 4w), in training with those of the auxiliary heads."""
        reduced = [
            reduce(norm(x).permute(0, 3, 1, 2))  # (B, channels, h, w)
            for norm, reduce, x in zip(self.norms, self.reduce, layers, strict=True)
        ]
        for i in (2, 1, 0):
            reduced[i] = reduced[i] + reduced[i + 1]
        levels = [smooth(x) for smooth, x in zip(self.smooth, reduced, strict=True)]
        logits = self.head(torch.cat([enlarge(x) for enlarge, x in zip(self.enlarge, levels, strict=True)], dim=1))
        if not self.training:
            return (logits,)
        return (logits, *(head(x) for head, x in zip(self.aux_heads, levels, strict=False)))
