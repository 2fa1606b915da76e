"""ESPNetV2: ESPNet with depthwise dilated and grouped pointwise convolutions, and a pyramid-pooling decoder.

233,786 parameters for 20 classes: 224 fewer than the authors' Cityscapes file, which also holds an activation in
each strided module that is never called; 232,768 for 19, and 4.2 GMACs at 1024x2048.

Source: Mehta et al., "ESPNetv2: A Light-weight, Power Efficient, and General Purpose Convolutional Neural
Network", CVPR 2019, table 1 and figures 1 to 3, with the decoder of the authors' EdgeNets (pyramid pooling at each
level), which their Cityscapes files belong to.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models import register
from sceneseg.models._esp import ConvNormPReLU, NormPReLU, fuse_hierarchically, halve
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.models.layers import average_pool
from sceneseg.ranges import Channels, WidthFactor

WIDE, NARROW = (1, 2, 3, 4), (1, 1, 2, 3)
"""Dilations of the four branches; at 1/16 the receptive field is held to 7."""
SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)
"""The sizes at which the decoder's pyramids look at their input."""


@register
class ESPNetV2(SegmentationModel):
    """Four times down, up again to half size, where the logits are.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Multiplies the encoder's channels; the authors publish 0.5, which is the least, 1.0, 1.25, 1.5 and 2.0.
        decoder_width: Channels of the decoder are four, three and two times this; the authors take 16 for street
            scenes.

    Raises:
        ModelError: A width below 0.5.
    """

    size_divisor = 16
    align_corners = True

    def __init__(
        self, num_classes: int, in_channels: Channels = 3, width: WidthFactor = 1.0, decoder_width: Channels = 16
    ) -> None:
        super().__init__(num_classes, in_channels)
        if width < 0.5:
            raise ModelError(f"ESPNetV2 can't be thinner than width 0.5 (four groups of four channels), not {width}.")
        c2, c4, c8, c16 = (round(c * width / 16) * 16 for c in (32, 64, 128, 256))
        c2 = min(c2, 32)  # wider models keep the stem
        self.stem = ConvNormPReLU(in_channels, c2, stride=2)
        self.down2 = Downsample(c2, c4, in_channels)
        self.down3 = Downsample(c4, c8, in_channels)
        self.level3 = nn.Sequential(*(DepthwisePyramid(c8, WIDE) for _ in range(3)))
        self.down4 = Downsample(c8, c16, in_channels)
        self.level4 = nn.Sequential(*(DepthwisePyramid(c16, NARROW) for _ in range(7)))

        d16, d8, d4 = 4 * decoder_width, 3 * decoder_width, 2 * decoder_width
        inside = max(1, min(num_classes // 2, decoder_width))
        self.pool4 = nn.Sequential(PyramidPool(c16, inside, d16), NormPReLU(d16))
        self.merge3 = Merge(c8, d16)
        self.pool3 = nn.Sequential(PyramidPool(d16, inside, d8), NormPReLU(d8))
        self.merge2 = Merge(c4, d8)
        self.pool2 = nn.Sequential(PyramidPool(d8, inside, d4), NormPReLU(d4))
        self.merge1 = Merge(c2, d4)
        self.head = PyramidPool(d4, inside, num_classes, bias=True)
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at 1/2."""
        image = self.prepare(image)
        x1 = self.stem(image)  # (B, 32, H/2, W/2)
        image = halve(halve(image))
        x2 = self.down2(x1, image)  # (B, 64, H/4, W/4)
        image = halve(image)
        x3 = self.level3(self.down3(x2, image))  # (B, 128, H/8, W/8)
        x4 = self.level4(self.down4(x3, halve(image)))  # (B, 256, H/16, W/16)

        x = self.pool4(x4)
        x = self.pool3(self.merge3(x3, x))
        x = self.pool2(self.merge2(x2, x))
        return (self.head(self.merge1(x1, x)),)


class Downsample(nn.Module):
    """Halve the size: averages next to a strided pyramid, plus what a convolution finds in the small image."""

    def __init__(self, in_channels: int, out_channels: int, image_channels: int) -> None:
        super().__init__()
        self.pyramid = StridedPyramid(in_channels, out_channels - in_channels)
        self.image = nn.Sequential(ConvNormPReLU(image_channels, 3), ConvNormPReLU(3, out_channels, 1, act=False))
        self.act = nn.PReLU(out_channels)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        """Map x (B, C, h, w) and the image (B, 3, h/2, w/2) to (B, C', h/2, w/2)."""
        return self.act(torch.cat([halve(x), self.pyramid(x)], dim=1) + self.image(image))


class StridedPyramid(nn.Module):
    """The EESP module: grouped reduction, four depthwise dilated branches fused, grouped expansion."""

    def __init__(self, in_channels: int, out_channels: int, dilations: tuple[int, ...] = WIDE, stride: int = 2) -> None:
        super().__init__()
        groups = len(dilations)
        c = out_channels // groups
        self.reduce = ConvNormPReLU(in_channels, c, 1, groups=groups)
        self.branches = nn.ModuleList(
            nn.Conv2d(c, c, 3, stride, padding=d, dilation=d, groups=c, bias=False) for d in dilations
        )
        self.norm = NormPReLU(out_channels)
        self.expand = ConvNormPReLU(out_channels, out_channels, 1, groups=groups, act=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h/stride, w/stride)."""
        reduced = self.reduce(x)
        merged = torch.cat(fuse_hierarchically(branch(reduced) for branch in self.branches), dim=1)
        return self.expand(self.norm(merged))


class DepthwisePyramid(StridedPyramid):
    """The EESP module with stride 1, added to its input."""

    def __init__(self, channels: int, dilations: tuple[int, ...]) -> None:
        super().__init__(channels, channels, dilations, stride=1)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same size."""
        return self.act(x + super().forward(x))


class PyramidPool(nn.Module):
    """Look at the input at five sizes with a depthwise convolution each, and mix what they see.

    Args:
        in_channels: Channels in.
        inside: Channels per size.
        out_channels: Channels out.
        bias: Whether the last convolution has a bias.
    """

    def __init__(self, in_channels: int, inside: int, out_channels: int, bias: bool = False) -> None:
        super().__init__()
        self.project = ConvNormPReLU(in_channels, inside, 1)
        self.looks = nn.ModuleList(nn.Conv2d(inside, inside, 3, padding=1, groups=inside, bias=False) for _ in SCALES)
        self.norm = NormPReLU(len(SCALES) * inside)
        self.mix = ConvNormPReLU(len(SCALES) * inside, inside, groups=inside)
        self.expand = nn.Conv2d(inside, out_channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h, w)."""
        x = self.project(x)
        looks = [look_at(x, look, scale) for look, scale in zip(self.looks, SCALES, strict=True)]
        mixed = self.norm(torch.cat(looks, dim=1))
        grouped = mixed.unflatten(1, (len(SCALES), -1)).transpose(1, 2).flatten(1, 2)  # a channel's five looks together
        return self.expand(self.mix(grouped))


def look_at(x: Tensor, look: nn.Module, scale: float) -> Tensor:
    """Resize x (B, C, h, w) by `scale`, but to 5 at least, apply `look`, and resize back."""
    size = (x.shape[-2], x.shape[-1])
    scaled = (max(5, math.ceil(size[0] * scale)), max(5, math.ceil(size[1] * scale)))
    if scale < 1:
        return enlarge(look(average_pool(x, scaled)), size)
    if scale > 1:
        return average_pool(look(enlarge(x, scaled)), size)
    y: Tensor = look(x)
    return y


class Merge(nn.Module):
    """Enlarge the deep features and add the skip connection, whose channels the image's average gates."""

    def __init__(self, skip_channels: int, channels: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(skip_channels, channels, 1, bias=False)
        self.expand = ConvNormPReLU(skip_channels, channels, groups=math.gcd(skip_channels, channels))
        self.norm = NormPReLU(channels)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """Merge (B, C', 2h, 2w) and x (B, C, h, w) into (B, C, 2h, 2w)."""
        gate = torch.sigmoid(self.gate(skip.mean(dim=(2, 3), keepdim=True)))
        enlarged = enlarge(x, (skip.shape[-2], skip.shape[-1]))
        return self.norm(self.expand(skip) * gate + enlarged)


def enlarge(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Interpolate bilinearly with aligned corners, as everything in this architecture does."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)
