"""SegFormer: a transformer of four shrinking stages without position embeddings, and a decoder of linear layers.

Parameters for 19 classes and GMACs at 1024x2048: B0 3,719,027 and 121.0, B1 13,682,131 and 239.1, B2 27,361,235 and
703.5, B3 47,237,075 and 949.2, B4 64,007,635 and 1226.8, B5 84,607,955 and 1446.4. NVlabs/SegFormer counts 2,451
parameters more, for a layer of its framework that is never called.

There is no `pretrained`: timm has no Mix Transformer, and the authors' weights forbid commercial use.

Source: Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers", NeurIPS
2021, figure 2 and table 6. Differs: all layer norms have an epsilon of 1e-6 (the authors': some 1e-5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._transformer import initialize_transformer
from sceneseg.models._variants import choose
from sceneseg.models.base import SegmentationModel
from sceneseg.models.layers import ConvNormAct, resize
from sceneseg.ranges import Channels, Dropout

HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)
EPS = 1e-6


@dataclass(frozen=True)
class Variant:
    """Parameters in which the variants differ.

    Args:
        width: Channels of an attention head.
        depths: Blocks of the four stages.
        decoder_channels: Channels to which the decoder brings all stages.
    """

    width: int
    depths: tuple[int, int, int, int]
    decoder_channels: int


VARIANTS = {
    "b0": Variant(32, (2, 2, 2, 2), 256),
    "b1": Variant(64, (2, 2, 2, 2), 256),
    "b2": Variant(64, (3, 4, 6, 3), 768),
    "b3": Variant(64, (3, 4, 18, 3), 768),
    "b4": Variant(64, (3, 8, 27, 3), 768),
    "b5": Variant(64, (3, 6, 40, 3), 768),
}


@register
class SegFormer(SegmentationModel):
    """Mix Transformer encoder and all-MLP decoder; logits at 1/4.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        variant: "b0" to "b5".
        width: Channels of an attention head, if not the variant's; the stages have 1, 2, 5 and 8 heads.
        drop_path: Probability of skipping the last block for a sample; it rises linearly from 0.
        dropout: Probability of dropping a whole channel before the last convolution.
    """

    size_divisor = 32

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        variant: str = "b0",
        width: Channels | None = None,
        drop_path: Dropout = 0.1,
        dropout: Dropout = 0.1,
    ) -> None:
        super().__init__(num_classes, in_channels)
        v = choose(VARIANTS, variant, "SegFormer variant")
        channels = [(width or v.width) * heads for heads in HEADS]
        rates = [drop_path * i / (sum(v.depths) - 1) for i in range(sum(v.depths))]
        ends = list(accumulate(v.depths))
        self.encoder = nn.ModuleList(
            Stage(before, channels[i], HEADS[i], REDUCTIONS[i], rates[ends[i] - v.depths[i] : ends[i]])
            for i, before in enumerate([in_channels, *channels[:-1]])
        )
        self.decoder = AllMLP(channels, v.decoder_channels, num_classes, dropout)
        initialize_transformer(self.encoder)  # the decoder as PyTorch does it, like the authors

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at 1/4."""
        x = self.prepare(image)
        features = []
        for stage in self.encoder:
            x = stage(x)  # (B, C, H/4, W/4), ... (B, 8C, H/32, W/32)
            features.append(x)
        return (self.decoder(features),)


class Stage(nn.Module):
    """Overlapping patches, transformer blocks, layer norm.

    Args:
        in_channels: Channels in; those of an image where the stage is the first.
        channels: Channels of a token.
        heads: Attention heads.
        reduction: Keys and values come from patches of this side.
        rates: The probability of being skipped, for each block.
    """

    def __init__(self, in_channels: int, channels: int, heads: int, reduction: int, rates: Sequence[float]) -> None:
        super().__init__()
        kernel, stride = (7, 4) if heads == 1 else (3, 2)
        self.embed = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2)
        self.embed_norm = nn.LayerNorm(channels, EPS)
        self.blocks = nn.Sequential(*(Block(channels, heads, reduction, rate) for rate in rates))
        self.norm = nn.LayerNorm(channels, EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h/4, w/4) in the first stage, to (B, C', h/2, w/2) in the others."""
        x = self.embed_norm(channels_last(self.embed(x)))
        return channels_first(self.norm(self.blocks(x)))


class Block(nn.Module):
    """Attention and feed-forward, each behind a layer norm and added to its input."""

    def __init__(self, channels: int, heads: int, reduction: int, drop_path: float) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(channels, EPS), ReducedAttention(channels, heads, reduction))
        self.feed_forward = nn.Sequential(nn.LayerNorm(channels, EPS), MixFeedForward(channels))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, h, w, C) to the same shape."""
        x = x + self.drop_path(self.attention(x))
        return x + self.drop_path(self.feed_forward(x))


class ReducedAttention(nn.Module):
    """Self-attention whose keys and values are taken from patches, which makes them fewer by reduction squared."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.project = nn.Linear(channels, channels)
        self.reduce = nn.Conv2d(channels, channels, reduction, reduction) if reduction > 1 else None
        self.reduce_norm = nn.LayerNorm(channels, EPS) if reduction > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, h, w, C) to the same shape."""
        source = x
        if self.reduce is not None and self.reduce_norm is not None:
            source = self.reduce_norm(channels_last(self.reduce(channels_first(x))))  # (B, h/r, w/r, C)
        key, value = self.key_value(source).chunk(2, dim=-1)
        y = F.scaled_dot_product_attention(self._split(self.query(x)), self._split(key), self._split(value))
        return self.project(y.transpose(1, 2).reshape(x.shape))

    def _split(self, x: Tensor) -> Tensor:
        """Map (B, h, w, C) to (B, heads, h w, C / heads)."""
        batch, height, width, channels = x.shape
        return x.reshape(batch, height * width, self.heads, channels // self.heads).transpose(1, 2)


class MixFeedForward(nn.Module):
    """Two linear layers with a depthwise 3x3 convolution between, whose zero padding tells where a token is."""

    def __init__(self, channels: int, expansion: int = 4) -> None:
        super().__init__()
        hidden = channels * expansion
        self.expand = nn.Linear(channels, hidden)
        self.mix = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.project = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, h, w, C) to the same shape."""
        x = self.mix(channels_first(self.expand(x)))
        return self.project(F.gelu(channels_last(x)))


class DropPath(nn.Module):
    """Zero the branch of some samples in training, and enlarge that of the others to make up for it.

    Source: Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, ...) to the same shape."""
        if not self.training or self.probability == 0:
            return x
        keep = 1 - self.probability
        return x * (x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(keep) / keep)


class AllMLP(nn.Module):
    """Bring all stages to the same channels and to 1/4, mix them by 1x1 convolutions."""

    def __init__(self, in_channels: Sequence[int], channels: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.unify = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in in_channels)
        self.fuse = nn.Sequential(
            ConvNormAct(len(in_channels) * channels, channels, 1),
            nn.Dropout2d(dropout),
            nn.Conv2d(channels, num_classes, 1),
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map (B, C, H/4, W/4), ... (B, 8C, H/32, W/32) to logits (B, num_classes, H/4, W/4)."""
        unified = [unify(x) for unify, x in zip(self.unify, features, strict=True)]
        return self.fuse(torch.cat([resize(x, like=unified[0]) for x in reversed(unified)], dim=1))


def channels_last(x: Tensor) -> Tensor:
    """Turn (B, C, h, w) into (B, h, w, C)."""
    return x.permute(0, 2, 3, 1)


def channels_first(x: Tensor) -> Tensor:
    """Turn (B, h, w, C) into (B, C, h, w)."""
    return x.permute(0, 3, 1, 2)
