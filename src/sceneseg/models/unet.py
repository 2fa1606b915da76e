"""U-Net: a contracting and an expanding path, joined by skip connections at every level.

31,038,803 parameters with the plain encoder and batch normalization, 3 -> 19 channels (equal to
milesial/Pytorch-UNet); 31,032,915 without, as in the paper; 31,737,043 with residual blocks. 1543.8 GMACs at
1024x2048. On resnext50_32x4d 31,995,587 (for 8 classes 31,993,992; both equal to segmentation_models_pytorch,
whose weights give the same logits here, with skip connections moved to the front) and 351.6 GMACs.

Source: Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
figure 1. Differs: convolutions are padded, so that the output has the input's size, and each is followed by
batch normalization unless `batch_norm` is off. Over a timm encoder the expanding path is that of
segmentation_models_pytorch.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models import register
from sceneseg.models._encoder import TimmEncoder, initialize_decoder
from sceneseg.models._residual import BasicBlock
from sceneseg.models.base import SegmentationModel
from sceneseg.ranges import Channels, Stages

Block = Callable[[int, int], nn.Module]
"""Makes a level's convolutions from its channels in and out."""


@register
class UNet(SegmentationModel):
    """The paper's own encoder or any of timm's, then up again level by level; logits at full size.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Channels of the decoder at full size, doubled with each level below; 64 with the plain encoder
            (which has the same), 16 with another.
        depth: How often the plain encoder halves the resolution: 4. A timm encoder brings its own depth.
        batch_norm: Normalize after each convolution (which then has no bias of its own).
        residual: Whether the decoder is made of residual blocks.
        encoder: plain, or any timm network.
        pretrained: Start the timm encoder from timm's weights.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        width: Channels | None = None,
        depth: Stages | None = None,
        batch_norm: bool = True,
        residual: bool = False,
        encoder: str = "plain",
        pretrained: bool = False,
    ) -> None:
        super().__init__(num_classes, in_channels)
        plain = encoder == "plain"
        check_arguments(plain, depth, batch_norm, residual, pretrained)
        width = width or (64 if plain else 16)
        convs = partial(DoubleConv, batch_norm=batch_norm)
        self.encoder = (
            PlainEncoder(in_channels, width, 4 if depth is None else depth, convs)
            if plain
            else TimmEncoder(encoder, in_channels, pretrained=pretrained)
        )
        skips = dict(zip(self.encoder.reductions, self.encoder.channels, strict=True))  # stride -> channels
        self.size_divisor = max(skips)
        self.strides = [2**level for level in reversed(range(self.size_divisor.bit_length() - 1))]  # 8, 4, 2, 1
        channels = [skips[self.size_divisor], *(width * stride for stride in self.strides)]
        self.up = nn.ModuleList(
            Up(channels[i], skips.get(stride, 0), channels[i + 1], BasicBlock if residual else convs, learned=plain)
            for i, stride in enumerate(self.strides)
        )
        self.head = nn.Conv2d(width, num_classes, 1) if plain else nn.Conv2d(width, num_classes, 3, padding=1)
        initialize_decoder(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at full size."""
        maps = dict(zip(self.encoder.reductions, self.encoder(self.prepare(image)), strict=True))
        x = maps[self.size_divisor]  # plain: (B, 16 width, H/16, W/16)
        for stride, up in zip(self.strides, self.up, strict=True):
            x = up(x, maps.get(stride))  # (B, width stride, H/stride, W/stride)
        return (self.head(x),)


class PlainEncoder(nn.Module):
    """The paper's contracting path: two convolutions a level, halved by pooling; one map for each level."""

    def __init__(self, in_channels: int, width: int, depth: int, block: Block) -> None:
        super().__init__()
        self.reductions = [2**level for level in range(depth + 1)]
        self.channels = [width * reduction for reduction in self.reductions]
        self.stem = block(in_channels, width)
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), block(channels, 2 * channels)) for channels in self.channels[:-1]
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return depth + 1 maps, (B, width, H, W) first."""
        maps = [self.stem(image)]
        for down in self.down:
            maps.append(down(maps[-1]))
        return maps


class DoubleConv(nn.Sequential):
    """Two 3x3 convolutions, each with (batch normalization and) ReLU."""

    def __init__(self, in_channels: int, out_channels: int, batch_norm: bool) -> None:
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers.append(nn.Conv2d(channels, out_channels, 3, padding=1, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm2d(out_channels))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class Up(nn.Module):
    """Double the size, put the skip connection in front where there is one, convolve.

    Args:
        in_channels: Channels from below.
        skip_channels: Channels of the skip connection, 0 for none.
        out_channels: Channels out.
        block: Makes the convolutions.
        learned: Whether a transposed convolution doubles the size (to `out_channels`), or repetition.
    """

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, block: Block, *, learned: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2) if learned else nn.Upsample(scale_factor=2)
        self.conv = block(skip_channels + (out_channels if learned else in_channels), out_channels)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Merge x (B, C, h, w) with skip (B, S, 2h, 2w) into (B, C', 2h, 2w)."""
        x = self.up(x)
        return self.conv(x if skip is None else torch.cat([skip, x], dim=1))


def check_arguments(plain: bool, depth: int | None, batch_norm: bool, residual: bool, pretrained: bool) -> None:
    """Refuse arguments that would have no effect.

    Raises:
        ModelError: Which one, and what to write instead.
    """
    if plain and pretrained:
        raise ModelError("U-Net's plain encoder has no pre-trained weights. Name one of timm's: encoder: resnet34.")
    if not plain and depth is not None:
        raise ModelError("A timm encoder brings its own depth. Leave depth out, or choose encoder: plain.")
    if residual and not batch_norm:
        raise ModelError("U-Net's residual blocks are normalized. Choose batch_norm: true, or residual: false.")
