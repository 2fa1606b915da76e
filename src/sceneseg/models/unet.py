"""U-Net: a contracting and an expanding path of equal depth, joined by skip connections.

31,038,803 parameters with batch normalisation at full width, 3 -> 19 channels (equal to milesial/Pytorch-UNet);
31,032,915 without, as in the paper. 1543.8 GMACs at 1024x2048.

Source: Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
figure 1. Differs: convolutions are padded, so that the output has the input's size, and each is followed by
batch normalisation unless `batch_norm` is off.
"""

import torch
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._base import SegmentationModel, initialise


@register
class UNet(SegmentationModel):
    """Four times down, four times up, logits at full size.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Channels of the first level; each deeper level has twice as many.
        depth: How often the resolution is halved.
        batch_norm: Normalise after each convolution (which then has no bias of its own).
    """

    def __init__(
        self, num_classes: int, in_channels: int = 3, width: int = 64, depth: int = 4, batch_norm: bool = True
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.size_divisor = 2**depth
        channels = [width * 2**level for level in range(depth + 1)]
        self.stem = DoubleConv(in_channels, width, batch_norm)
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), DoubleConv(channels[i], channels[i + 1], batch_norm)) for i in range(depth)
        )
        self.up = nn.ModuleList(Up(channels[i + 1], channels[i], batch_norm) for i in reversed(range(depth)))
        self.head = nn.Conv2d(width, num_classes, 1)
        initialise(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at full size."""
        x = self.stem(self.prepare(image))  # (B, width, H, W)
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)  # finally (B, 16 width, H/16, W/16)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = up(x, skip)
        return (self.head(x),)


class DoubleConv(nn.Sequential):
    """Two 3x3 convolutions, each with (batch normalisation and) ReLU."""

    def __init__(self, in_channels: int, out_channels: int, batch_norm: bool) -> None:
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers.append(nn.Conv2d(channels, out_channels, 3, padding=1, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm2d(out_channels))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class Up(nn.Module):
    """Double the size by a transposed convolution, put the skip connection in front, convolve twice."""

    def __init__(self, in_channels: int, out_channels: int, batch_norm: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
        self.conv = DoubleConv(2 * out_channels, out_channels, batch_norm)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Merge x (B, 2C, h, w) with skip (B, C, 2h, 2w) into (B, C, 2h, 2w)."""
        return self.conv(torch.cat([skip, self.up(x)], dim=1))  # type: ignore[no-any-return]
