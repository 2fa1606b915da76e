"""ERFNet: residual blocks of 3x1 and 1x3 convolutions at 1/8, and a slim decoder of transposed convolutions.

2,066,642 parameters for 19 classes, 2,066,836 for 20 (equal to Eromera/erfnet_pytorch), 2,451 of them in the
auxiliary head for 19; 106.4 GMACs at 1024x2048.

Source: Romera et al., "ERFNet: Efficient Residual Factorized ConvNet for Real-Time Semantic Segmentation", T-ITS
2018, table 1 and figure 2. Differs: the authors train the encoder on its own logits first, then the whole; here
these are the auxiliary logits of one training.
"""

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.ranges import Channels, Dropout, Range

EPS = 1e-3
"""The authors' batch normalization divides by sqrt(variance + 0.001)."""


@register
class ERFNet(SegmentationModel):
    """Three times down, three times up, logits at full size.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Channels at half size, more than `in_channels`; four times as many at 1/4, eight times at 1/8. 16 is
            the paper's.
        dropout: Probability of dropping a channel at 1/8; a tenth of it at 1/4.
        aux: Whether the encoder's own logits help training.
    """

    size_divisor = 8

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        width: Annotated[int, Range(4, 65_536)] = 16,
        dropout: Dropout = 0.3,
        aux: bool = True,
    ) -> None:
        super().__init__(num_classes, in_channels)
        half, quarter, eighth = width, 4 * width, 8 * width
        self.encoder = nn.Sequential(
            Downsample(in_channels, half),
            Downsample(half, quarter),
            *(NonBottleneck1D(quarter, dropout=dropout / 10) for _ in range(5)),
            Downsample(quarter, eighth),
            *(NonBottleneck1D(eighth, dilation, dropout) for dilation in (2, 4, 8, 16) * 2),
        )
        self.decoder = nn.Sequential(
            Upsample(eighth, quarter),
            NonBottleneck1D(quarter),
            NonBottleneck1D(quarter),
            Upsample(quarter, half),
            NonBottleneck1D(half),
            NonBottleneck1D(half),
        )
        self.head = nn.ConvTranspose2d(half, num_classes, 2, stride=2)
        self.aux_head = nn.Conv2d(eighth, num_classes, 1) if aux else None
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at full size, and in training those of the encoder at 1/8."""
        x = self.encoder(self.prepare(image))  # (B, 128, H/8, W/8)
        logits = self.head(self.decoder(x))
        if self.training and self.aux_head is not None:
            return logits, self.aux_head(x)
        return (logits,)


class Downsample(nn.Module):
    """Halve the size: a strided convolution next to a maximum pooling that carries the input's channels on."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels - in_channels, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(out_channels, EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C', h/2, w/2)."""
        return F.relu(self.norm(torch.cat([self.conv(x), F.max_pool2d(x, 2)], dim=1)))


class NonBottleneck1D(nn.Module):
    """Two 3x3 convolutions, each factorized into 3x1 and 1x3, added to the input; the second pair is dilated."""

    def __init__(self, channels: int, dilation: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.block = nn.Sequential(
            *factorized(channels, 1),
            nn.ReLU(inplace=True),
            *factorized(channels, dilation),
            nn.Dropout2d(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same size."""
        return F.relu(x + self.block(x))


def factorized(channels: int, dilation: int) -> list[nn.Module]:
    """Build a 3x1 convolution, ReLU, a 1x3 convolution and batch normalization."""
    d = dilation
    return [
        nn.Conv2d(channels, channels, (3, 1), padding=(d, 0), dilation=(d, 1)),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, (1, 3), padding=(0, d), dilation=(1, d)),
        nn.BatchNorm2d(channels, EPS),
    ]


class Upsample(nn.Sequential):
    """Double the size by a transposed 3x3 convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1),
            nn.BatchNorm2d(out_channels, EPS),
            nn.ReLU(inplace=True),
        )
