"""Segmenter: a plain vision transformer, and class tokens that point at the patches of their class.

Parameters for 19 classes with image_size 768, mask decoder: tiny 6,933,734, small 26,474,918, base 103,379,750,
large 333,820,966; linear decoder: 5,932,819, 22,482,451, 87,432,211, 305,479,699. rstrudel/segmenter counts more
by ViT's unused head for 1000 ImageNet classes: tiny 193,000, small 385,000, base 769,000, large 1,025,000.
Small with the mask decoder takes 930 GMACs at 1024x2048 (tiny 43.4 at 768x768).

Source: Strudel et al., "Segmenter: Transformer for Semantic Segmentation", ICCV 2021, figure 2. Differs: position
embeddings are interpolated bicubically (authors: bilinearly), and timm's layer norms have an epsilon of 1e-6.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._torchvision import import_timm
from sceneseg.models._transformer import PATCH, VIT_MEAN, VIT_STD, ViTEncoder, initialize_transformer
from sceneseg.models._variants import choose
from sceneseg.models.base import SegmentationModel
from sceneseg.ranges import Channels, Dropout, Side


@register
class Segmenter(SegmentationModel):
    """ViT encoder and a mask transformer or a linear layer as decoder; logits at 1/16 (one for each patch).

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        variant: "tiny", "small", "base" or "large".
        decoder: "mask" or "linear".
        decoder_depth: Layers of the mask transformer.
        image_size: Height and width for which position embeddings are learned; use the crop size.
        embed_dim: Channels of a token, if not the variant's.
        depth: Layers of the encoder, if not the variant's.
        heads: Attention heads, if not the variant's.
        patch_size: Height and width of a patch, if not 16: the paper also has 8 and 32.
        drop_path: Probability of skipping the encoder's last layer for a sample; it rises linearly from 0.
        dropout: Probability of dropping a value in the mask transformer.
        pretrained: Start from ImageNet weights (timm's, downloaded once).
    """

    size_divisor = PATCH

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        variant: str = "small",
        decoder: str = "mask",
        decoder_depth: Channels = 2,
        image_size: Side = 768,
        embed_dim: Channels | None = None,
        depth: Channels | None = None,
        heads: Channels | None = None,
        patch_size: Channels | None = None,
        drop_path: Dropout = 0.1,
        dropout: Dropout = 0.1,
        pretrained: bool = False,
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.size_divisor = patch_size or PATCH
        self.mean.fill_(VIT_MEAN)
        self.std.fill_(VIT_STD)
        is_mask = choose({"mask": True, "linear": False}, decoder, "Segmenter decoder")
        self.encoder = ViTEncoder(
            in_channels,
            variant,
            image_size,
            taps=[24],
            norm=True,
            embed_dim=embed_dim,
            depth=depth,
            heads=heads,
            patch_size=patch_size,
            drop_path=drop_path,
            pretrained=pretrained,
        )
        channels = self.encoder.channels
        self.decoder = (
            MaskTransformer(channels, num_classes, decoder_depth, self.encoder.heads, dropout)
            if is_mask
            else LinearDecoder(channels, num_classes)
        )

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at 1/16."""
        (features,) = self.encoder(self.prepare(image))  # (B, H/16, W/16, C)
        return (self.decoder(features),)


class MaskTransformer(nn.Module):
    """Attention among patches and one token per class; a class's logits are its token's similarity to the patches.

    Args:
        channels: Channels of a token.
        num_classes: Channels of the logits.
        depth: Transformer layers.
        heads: Attention heads.
        dropout: Probability of dropping a value.
    """

    def __init__(self, channels: int, num_classes: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        block = import_timm().models.vision_transformer.Block
        self.num_classes = num_classes
        self.project = nn.Linear(channels, channels)
        self.class_tokens = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, num_classes, channels), std=0.02))
        self.blocks = nn.Sequential(
            *(block(channels, heads, qkv_bias=True, proj_drop=dropout, attn_drop=dropout) for _ in range(depth))
        )
        self.norm = nn.LayerNorm(channels)
        self.project_patches = nn.Linear(channels, channels, bias=False)
        self.project_classes = nn.Linear(channels, channels, bias=False)
        self.mask_norm = nn.LayerNorm(num_classes)
        initialize_transformer(self)
        for projection in (self.project_patches, self.project_classes):
            nn.init.normal_(projection.weight, std=channels**-0.5)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, h, w, C) to logits (B, num_classes, h, w)."""
        batch, height, width, _ = features.shape
        tokens = torch.cat([self.project(features.flatten(1, 2)), self.class_tokens.expand(batch, -1, -1)], dim=1)
        tokens = self.norm(self.blocks(tokens))  # (B, h w + num_classes, C)
        patches, classes = tokens.split([height * width, self.num_classes], dim=1)
        patches = F.normalize(self.project_patches(patches), dim=-1)
        classes = F.normalize(self.project_classes(classes), dim=-1)
        logits = self.mask_norm(patches @ classes.transpose(1, 2))  # (B, h w, num_classes)
        return logits.transpose(1, 2).reshape(batch, -1, height, width)


class LinearDecoder(nn.Module):
    """Classify each patch by itself."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.classify = nn.Linear(channels, num_classes)
        initialize_transformer(self)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, h, w, C) to logits (B, num_classes, h, w)."""
        return self.classify(features).permute(0, 3, 1, 2)
