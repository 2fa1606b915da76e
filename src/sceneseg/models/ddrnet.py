"""DDRNet: a detail branch that stays at 1/8 and a deep branch down to 1/64, which exchange what they know.

Parameters for 19 classes and GMACs at 1024x2048: 23-slim 5,695,987 (5,734,342 with the auxiliary head) and 36.3,
23 20,148,947 and 143.1, 39 32,360,275 and 281.1, equal to ydhongHIT/DDRNet.

Source: Pan et al., "Deep Dual-Resolution Networks for Real-Time and Accurate Semantic Segmentation of Traffic
Scenes", IEEE T-ITS 2023 (arXiv 2101.06085), figure 4 and table 1.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._dual_resolution import DAPPM, DualResolutionHead, Stem
from sceneseg.models._residual import Bottleneck, basic_blocks
from sceneseg.models._variants import choose
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.models.layers import ConvNormAct, resize
from sceneseg.ranges import Channels


@dataclass(frozen=True)
class Variant:
    """Parameters in which the variants differ.

    Args:
        width: Channels of the stem.
        blocks: Residual blocks of the two stages before the branches part.
        stage3: Residual blocks (deep, detail) before each exchange of stage 3.
        stage4: Residual blocks (deep, detail) before the exchange of stage 4.
        head_channels: Channels inside the heads.
    """

    width: int
    blocks: tuple[int, int]
    stage3: tuple[tuple[int, int], ...]
    stage4: tuple[int, int]
    head_channels: int


VARIANTS = {
    "23-slim": Variant(32, (2, 2), ((2, 2),), (2, 2), 64),
    "23": Variant(64, (2, 2), ((2, 2),), (2, 2), 128),
    "39": Variant(64, (3, 4), ((3, 3), (3, 3)), (3, 3), 256),
}


@register
class DDRNet(SegmentationModel):
    """Two branches from 1/8 on, two or three exchanges between them; logits at 1/8.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        variant: "23-slim", "23" or "39".
        width: Channels of the stem, if not the variant's; all others follow.
        pyramid_channels: Channels of each scale of the pooling pyramid.
        aux: Whether an auxiliary head on the detail branch helps training.
    """

    size_divisor = 8  # the deep branch rounds up by itself

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        variant: str | int = "23-slim",
        width: Channels | None = None,
        pyramid_channels: Channels = 128,
        aux: bool = True,
    ) -> None:
        super().__init__(num_classes, in_channels)
        v = choose(VARIANTS, variant, "DDRNet variant")
        c = width or v.width
        self.stem = nn.Sequential(
            Stem(in_channels, c),
            basic_blocks(c, c, v.blocks[0]),
            basic_blocks(c, 2 * c, v.blocks[1], stride=2),
        )
        widths = [2 * c] + [4 * c] * len(v.stage3)
        self.stage3 = nn.ModuleList(
            Exchange(widths[i], 4 * c, 2 * c, counts, stride=2 if i == 0 else 1, reduction=2)
            for i, counts in enumerate(v.stage3)
        )
        self.stage4 = Exchange(4 * c, 8 * c, 2 * c, v.stage4, stride=2, reduction=4)
        self.detail = Bottleneck(2 * c, 2 * c, expansion=2, act=False)
        self.context = nn.Sequential(
            Bottleneck(8 * c, 8 * c, expansion=2, stride=2, act=False),
            DAPPM(16 * c, pyramid_channels, 4 * c),
        )
        self.head = DualResolutionHead(4 * c, v.head_channels, num_classes)
        self.aux_head = DualResolutionHead(2 * c, v.head_channels, num_classes) if aux else None
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return logits at 1/8, and in training those of the auxiliary head, at 1/8 too."""
        context = detail = self.stem(self.prepare(image))  # (B, 2c, H/8, W/8)
        for exchange in self.stage3:
            context, detail = exchange(context, detail)  # (B, 4c, H/16, W/16), (B, 2c, H/8, W/8)
        early = detail
        context, detail = self.stage4(context, detail)  # (B, 8c, H/32, W/32), (B, 2c, H/8, W/8)
        detail = self.detail(F.relu(detail))  # (B, 4c, H/8, W/8)
        context = self.context(F.relu(context))  # (B, 4c, H/64, W/64)
        logits = self.head(detail + resize(context, like=detail))
        if self.training and self.aux_head is not None:
            return logits, self.aux_head(early)
        return (logits,)


class Exchange(nn.Module):
    """Residual blocks in both branches, then each gets what the other found.

    Args:
        in_channels: Channels of the deep branch before.
        deep_channels: Channels of the deep branch after.
        detail_channels: Channels of the detail branch.
        blocks: Residual blocks in the deep and in the detail branch.
        stride: Stride of the deep branch.
        reduction: How much smaller the deep branch is afterwards: 2 or 4.
    """

    def __init__(
        self,
        in_channels: int,
        deep_channels: int,
        detail_channels: int,
        blocks: tuple[int, int],
        *,
        stride: int,
        reduction: int,
    ) -> None:
        super().__init__()
        self.deep = basic_blocks(in_channels, deep_channels, blocks[0], stride=stride, act=False)
        self.detail = basic_blocks(detail_channels, detail_channels, blocks[1], act=False)
        self.compress = ConvNormAct(deep_channels, detail_channels, 1, act=False)
        half = [ConvNormAct(detail_channels, deep_channels // 2, stride=2)] if reduction == 4 else []
        last = ConvNormAct(deep_channels // 2 if half else detail_channels, deep_channels, stride=2, act=False)
        self.down = nn.Sequential(*half, last)

    def forward(self, deep: Tensor, detail: Tensor) -> tuple[Tensor, Tensor]:
        """Map the deep and the detail branch to their next level, both before ReLU."""
        deep, detail = self.deep(F.relu(deep)), self.detail(F.relu(detail))
        return deep + self.down(F.relu(detail)), detail + resize(self.compress(F.relu(deep)), like=detail)
