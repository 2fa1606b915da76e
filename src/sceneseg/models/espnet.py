"""ESPNet: pyramids of dilated convolutions on few channels, fed with the shrunken image at every level.

364,569 parameters for 20 classes (equal to the authors' Cityscapes file), 354,517 for 12 classes with
`image_skip` (equal to their CamVid file); 18.4 GMACs at 1024x2048 with 19 classes.

Source: Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic Segmentation", ECCV
2018, figures 1, 3 and 4. Differs: the authors train the encoder on its own logits first, then the whole; here
these are the auxiliary logits of one training.
"""

import torch
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._esp import ConvNormPReLU, NormPReLU, fuse_hierarchically, halve
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.ranges import Blocks, Channels

EPS = 1e-3
"""The authors' batch normalization divides by sqrt(variance + 0.001)."""
DILATIONS = (1, 2, 4, 8, 16)


@register
class ESPNet(SegmentationModel):
    """Three times down, three times up by transposed convolutions, logits at full size.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        p: How many ESP modules at 1/4 (alpha 2 in the paper).
        q: How many ESP modules at 1/8 (alpha 3 in the paper).
        width: Channels at half size; four times as many at 1/4, eight times at 1/8. 16 is the paper's.
        image_skip: Whether the skip connection at half size carries the image too, as in the code that the authors
            trained their CamVid file with; the Cityscapes files have it without.
        aux: Whether the encoder's own logits help training; they cost no parameters.
    """

    size_divisor = 8

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        p: Blocks = 2,
        q: Blocks = 8,
        width: Channels = 16,
        image_skip: bool = False,
        aux: bool = True,
    ) -> None:
        super().__init__(num_classes, in_channels)
        half, quarter, eighth = width, 4 * width, 8 * width
        self.image_skip = image_skip
        self.aux = aux
        self.stem = ConvNormPReLU(in_channels, half, stride=2, eps=EPS)
        self.norm1 = NormPReLU(half + in_channels, EPS)
        self.down2 = SpatialPyramid(half + in_channels, quarter, stride=2)
        self.level2 = nn.Sequential(*(SpatialPyramid(quarter, quarter, residual=True) for _ in range(p)))
        self.norm2 = NormPReLU(2 * quarter + in_channels, EPS)
        self.down3 = SpatialPyramid(2 * quarter + in_channels, eighth, stride=2)
        self.level3 = nn.Sequential(*(SpatialPyramid(eighth, eighth, residual=True) for _ in range(q)))
        self.norm3 = NormPReLU(2 * eighth, EPS)
        self.encoder_head = nn.Conv2d(2 * eighth, num_classes, 1, bias=False)

        c = num_classes
        self.up3 = nn.Sequential(nn.BatchNorm2d(c, EPS), nn.ConvTranspose2d(c, c, 2, stride=2, bias=False))
        self.skip2 = nn.Conv2d(2 * quarter + in_channels, c, 1, bias=False)
        self.merge2 = nn.Sequential(NormPReLU(2 * c, EPS), SpatialPyramid(2 * c, c))
        self.up2 = nn.Sequential(nn.ConvTranspose2d(c, c, 2, stride=2, bias=False), NormPReLU(c, EPS))
        self.merge1 = ConvNormPReLU(c + half + in_channels * image_skip, c, eps=EPS)
        self.head = nn.ConvTranspose2d(c, c, 2, stride=2, bias=False)
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at full size, and in training those of the encoder at 1/8."""
        image = self.prepare(image)
        stem = self.stem(image)  # (B, 16, H/2, W/2)
        image = halve(image)
        x1 = self.norm1(torch.cat([stem, image], dim=1))
        x = self.down2(x1)  # (B, 64, H/4, W/4)
        x2 = self.norm2(torch.cat([self.level2(x), x, halve(image)], dim=1))
        x = self.down3(x2)  # (B, 128, H/8, W/8)
        x3 = self.norm3(torch.cat([x, self.level3(x)], dim=1))
        encoder_logits = self.encoder_head(x3)

        x = torch.cat([self.skip2(x2), self.up3(encoder_logits)], dim=1)
        x = self.up2(self.merge2(x))  # (B, num_classes, H/2, W/2)
        logits = self.head(self.merge1(torch.cat([x, x1 if self.image_skip else stem], dim=1)))
        return (logits, encoder_logits) if self.training and self.aux else (logits,)


class SpatialPyramid(nn.Module):
    """The ESP module: reduce the channels, convolve at five dilations, fuse hierarchically, normalize.

    Args:
        in_channels: Channels in.
        out_channels: Channels out; fewer than five get as many branches.
        stride: 2 reduces by a strided 3x3 convolution instead of a 1x1 one.
        residual: Whether the input is added.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        dilations = DILATIONS[:out_channels]
        branch = out_channels // len(dilations)
        first = out_channels - branch * (len(dilations) - 1)
        kernel = 3 if stride == 2 else 1
        self.reduce = nn.Conv2d(in_channels, branch, kernel, stride, kernel // 2, bias=False)
        self.branches = nn.ModuleList(
            nn.Conv2d(branch, first if d == 1 else branch, 3, padding=d, dilation=d, bias=False) for d in dilations
        )
        self.norm = NormPReLU(out_channels, EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h/stride, w/stride)."""
        reduced = self.reduce(x)
        first, *rest = [branch(reduced) for branch in self.branches]
        merged = torch.cat([first, *fuse_hierarchically(rest)], dim=1)
        return self.norm(x + merged if self.residual else merged)
