"""The encoder and decoder that SegNet and Bayesian SegNet share: VGG-16 and its mirror image."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models._timm import create_timm
from sceneseg.models.layers import ConvNormAct

CONVOLUTIONS = (2, 2, 3, 3, 3)
MULTIPLES = (1, 2, 4, 8, 8)
SHALLOW = 3
"""Levels whose convolutions see no dropout: the paper found that it hurts edges and corners."""


class SegNetBody(nn.Module):
    """Thirteen convolutions down, thirteen up; each pooling tells its unpooling where the maxima were.

    Args:
        num_classes: Channels out.
        in_channels: Channels in.
        width: Channels of the first level.
        dropout: Probability of dropping a value behind the three deep levels, on the way down and up again.
    """

    def __init__(self, num_classes: int, in_channels: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.in_channels, self.width, self.dropout = in_channels, width, dropout
        channels = [width * m for m in MULTIPLES]
        before = [in_channels, *channels[:-1]]
        after = [width, *channels[:-1]]
        self.down = nn.ModuleList(
            convolutions(first, *[c] * n) for first, c, n in zip(before, channels, CONVOLUTIONS, strict=True)
        )
        up = [convolutions(*[c] * n, last) for last, c, n in zip(after, channels, CONVOLUTIONS, strict=True)]
        up[0] = nn.Sequential(convolutions(width, width), nn.Conv2d(width, num_classes, 3, padding=1))
        self.up = nn.ModuleList(reversed(up))

    def forward(self, x: Tensor, drop: bool = False) -> Tensor:
        """Map (B, in_channels, H, W) to logits (B, num_classes, H, W); `drop` switches the dropout on."""
        return self.deep(*self.shallow(x), drop)

    def shallow(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Run the levels in front of the first dropout; many samples can share what comes out.

        Returns:
            Features (B, 4 width, H/8, W/8), and the positions of the maxima of each level.
        """
        positions = []
        for level in self.down[:SHALLOW]:
            x, position = pool(level(x))
            positions.append(position)
        return x, positions

    def deep(self, x: Tensor, positions: list[Tensor], drop: bool) -> Tensor:
        """Finish what `shallow` began."""
        positions = list(positions)
        for level in self.down[SHALLOW:]:
            x, position = pool(level(F.dropout(x, self.dropout, drop)))
            positions.append(position)
        x = F.dropout(x, self.dropout, drop)  # (B, 8 width, H/32, W/32)
        for i, level in enumerate(self.up):
            x = level(unpool(x, positions.pop()))
            x = F.dropout(x, self.dropout, drop and i < SHALLOW)
        return x

    def load_vgg16(self) -> None:
        """Copy timm's VGG-16 with batch normalization into the encoder.

        Raises:
            ModelError: The width isn't VGG's, or its weights can't be had.
        """
        if self.width != 64:
            raise ModelError(
                f"VGG-16 has 64 channels in its first level, not {self.width}: width 64, or pretrained: false."
            )
        vgg = create_timm("vgg16_bn", pretrained=True, features_only=True, in_chans=self.in_channels)
        for ours, theirs in zip(weighted(self.down), weighted(vgg), strict=True):
            ours.load_state_dict(theirs.state_dict())


def weighted(module: nn.Module) -> list[nn.Module]:
    """Return the convolutions and normalizations in a module, in the order of the forward pass."""
    return [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]


def convolutions(*channels: int) -> nn.Sequential:
    """Chain 3x3 convolutions with bias, batch normalization and ReLU; n channel counts make n - 1 of them."""
    return nn.Sequential(*(ConvNormAct(a, b, bias=True) for a, b in pairwise(channels)))


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """Take the maximum of each 2x2 window, and its place in the window: 0, 1 above, 2, 3 below.

    With torch's `max_pool2d` and `max_unpool2d` the pair takes 0.4 of the time on a CPU; but the latter is neither
    an ONNX operator nor deterministic on CUDA, and its indices are eight times as large.

    Args:
        x: (B, C, h, w), h and w even.

    Returns:
        Maxima (B, C, h/2, w/2), and places of the same size, uint8.
    """
    maxima, place = torch.unflatten(F.pixel_unshuffle(x, 2), 1, (-1, 4)).max(dim=2)
    return maxima, place.to(torch.uint8)


def unpool(x: Tensor, place: Tensor) -> Tensor:
    """Put each value of x (B, C, h, w) in its place of a 2x2 window that is zero otherwise: (B, C, 2h, 2w)."""
    places = torch.arange(4, dtype=place.dtype, device=place.device).view(1, 1, 4, 1, 1)
    window = torch.where(place.unsqueeze(2) == places, x.unsqueeze(2), 0)  # (B, C, 4, h, w)
    return F.pixel_shuffle(window.flatten(1, 2), 2)
