"""The high-resolution network: branches at 1/4, 1/8, 1/16 and 1/32 that run side by side and exchange features.

HRNet and OCRNet put their heads on it; `ClassificationHead` makes a classifier of it.

Source: Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", IEEE TPAMI 2021
(arXiv 1908.07919), figures 2 to 4. Differs: batch normalization keeps PyTorch's momentum of 0.1 (authors: 0.01).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models._residual import Bottleneck, basic_blocks
from sceneseg.models._timm import create_timm
from sceneseg.models._variants import choose
from sceneseg.models.layers import ConvNormAct, PooledNorm, resize


@dataclass(frozen=True)
class Variant:
    """Parameters in which the variants differ.

    Args:
        width: Channels of the branch at 1/4.
        bottlenecks: Blocks of stage 1.
        bottleneck_channels: Their channels.
        exchanges: Exchanges of the stages with two, three and four branches.
        blocks: Residual blocks of a branch before each exchange.
        timm_name: What timm calls the classifier.
    """

    width: int
    bottlenecks: int
    bottleneck_channels: int
    exchanges: tuple[int, int, int]
    blocks: int
    timm_name: str


VARIANTS = {
    "w18-small-v1": Variant(16, 1, 32, (1, 1, 1), 2, "hrnet_w18_small"),
    "w18-small-v2": Variant(18, 2, 64, (1, 3, 2), 2, "hrnet_w18_small_v2"),
    "w18": Variant(18, 4, 64, (1, 4, 3), 4, "hrnet_w18"),
    "w32": Variant(32, 4, 64, (1, 4, 3), 4, "hrnet_w32"),
    "w48": Variant(48, 4, 64, (1, 4, 3), 4, "hrnet_w48"),
}


class HRNetBackbone(nn.Module):
    """Stem, bottlenecks at 1/4, then three stages of two, three and four branches.

    Args:
        in_channels: Channels of the image.
        variant: "w18-small-v1", "w18-small-v2", "w18", "w32" or "w48".
        width: Channels of the branch at 1/4, if not the variant's; each smaller branch has twice as many.
    """

    def __init__(self, in_channels: int = 3, variant: str = "w48", width: int | None = None) -> None:
        super().__init__()
        v = choose(VARIANTS, variant, "HRNet variant")
        w = width or v.width
        self.channels = [w, 2 * w, 4 * w, 8 * w]
        self.stem = nn.Sequential(ConvNormAct(in_channels, 64, stride=2), ConvNormAct(64, 64, stride=2))
        c = v.bottleneck_channels
        self.stage1 = nn.Sequential(Bottleneck(64, c), *(Bottleneck(4 * c, c) for _ in range(v.bottlenecks - 1)))
        before = [[4 * c], self.channels[:2], self.channels[:3]]
        self.stages = nn.ModuleList(
            Stage(before[i], self.channels[: i + 2], v.exchanges[i], v.blocks) for i in range(3)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map a normalized image (B, C, H, W) to (B, w, H/4, W/4), (B, 2w, H/8, W/8), ... (B, 8w, H/32, W/32)."""
        branches = [self.stage1(self.stem(image))]
        for stage in self.stages:
            branches = stage(branches)
        return branches


class Stage(nn.Module):
    """Open one more branch, then run all of them through a number of exchanges.

    Args:
        in_channels: Channels of the branches so far.
        channels: Channels of the branches in this stage, one more.
        exchanges: How many exchanges follow each other.
        blocks: Residual blocks of a branch before each exchange.
    """

    def __init__(self, in_channels: Sequence[int], channels: Sequence[int], exchanges: int, blocks: int) -> None:
        super().__init__()
        old = (nn.Identity() if a == b else ConvNormAct(a, b) for a, b in zip(in_channels, channels, strict=False))
        new = ConvNormAct(in_channels[-1], channels[-1], stride=2)
        self.enter = nn.ModuleList([*old, new])
        self.exchanges = nn.Sequential(*(Exchange(channels, blocks) for _ in range(exchanges)))

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """Map n branches to n + 1; the new one starts from the smallest."""
        sources = [*branches, branches[-1]]
        return self.exchanges([enter(x) for enter, x in zip(self.enter, sources, strict=True)])


class Exchange(nn.Module):
    """Residual blocks in each branch, then each becomes the sum of all, brought to its size and channels."""

    def __init__(self, channels: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(basic_blocks(c, c, blocks) for c in channels)
        self.sums = nn.ModuleList(Sum(channels, target) for target in range(len(channels)))

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """Map the branches to the same shapes."""
        branches = [branch(x) for branch, x in zip(self.branches, branches, strict=True)]
        return [add(branches) for add in self.sums]


class Sum(nn.Module):
    """All branches, brought to the size and channels of one and added up."""

    def __init__(self, channels: Sequence[int], target: int) -> None:
        super().__init__()
        self.target = target
        self.paths = nn.ModuleList(path(channels, source, target) for source in range(len(channels)))

    def forward(self, branches: list[Tensor]) -> Tensor:
        """Map all branches to one."""
        like = branches[self.target]
        parts = (resize(path(x), like=like) for path, x in zip(self.paths, branches, strict=True))
        return F.relu(reduce(torch.add, parts))


def path(channels: Sequence[int], source: int, target: int) -> nn.Module:
    """Build the way from branch `source` to branch `target`: strided 3x3 downwards, 1x1 before enlarging upwards."""
    if source == target:
        return nn.Identity()
    if source > target:
        return ConvNormAct(channels[source], channels[target], 1, act=False)
    steps = [ConvNormAct(channels[source], channels[source], stride=2) for _ in range(target - source - 1)]
    return nn.Sequential(*steps, ConvNormAct(channels[source], channels[target], stride=2, act=False))


def concatenate(branches: Sequence[Tensor]) -> Tensor:
    """Enlarge all branches to the first one's size and stack them: (B, 15w, H/4, W/4)."""
    return torch.cat([resize(x, like=branches[0]) for x in branches], dim=1)


def pixel_head(channels: int, num_classes: int) -> nn.Sequential:
    """Build the head on the stacked branches: 1x1 convolution (with a bias, as the authors'), 1x1 to logits."""
    return nn.Sequential(ConvNormAct(channels, channels, 1, bias=True), nn.Conv2d(channels, num_classes, 1))


class ClassificationHead(nn.Module):
    """Widen each branch, add them up from fine to coarse, pool, classify.

    Source: the same, appendix "ImageNet classification"; 1000 classes on W18 give 21,299,004 parameters.

    Args:
        in_channels: Channels of the branches, `HRNetBackbone.channels`.
        num_classes: Channels of the logits.
    """

    def __init__(self, in_channels: Sequence[int], num_classes: int) -> None:
        super().__init__()
        widths = [128 * 2**i for i in range(len(in_channels))]
        self.widen = nn.ModuleList(Bottleneck(c, w // 4) for c, w in zip(in_channels, widths, strict=True))
        self.down = nn.ModuleList(ConvNormAct(w, 2 * w, stride=2, bias=True) for w in widths[:-1])
        self.last = ConvNormAct(widths[-1], 2048, 1, bias=True, norm=PooledNorm)
        self.classify = nn.Linear(2048, num_classes)

    def forward(self, branches: Sequence[Tensor]) -> Tensor:
        """Map the four branches to logits (B, num_classes)."""
        wide = [widen(x) for widen, x in zip(self.widen, branches, strict=True)]
        x = wide[0]
        for down, finer in zip(self.down, wide[1:], strict=True):
            x = down(x) + finer
        return self.classify(self.last(x).mean(dim=(-2, -1)))


def load_imagenet_weights(backbone: HRNetBackbone, variant: str, in_channels: int) -> None:
    """Give a backbone timm's ImageNet weights.

    Raises:
        ModelError: The backbone isn't as wide as its variant, or the weights can't be had.
    """
    v = choose(VARIANTS, variant, "HRNet variant")
    if backbone.channels[0] != v.width:
        raise ModelError(
            f"The pre-trained weights of {variant} are for width {v.width}, found {backbone.channels[0]}. "
            "Leave width out, or set pretrained: false."
        )
    copy_weights(create_timm(v.timm_name, pretrained=True, in_chans=in_channels), backbone)


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copy weights from a network whose parts have other names but come in the same order.

    Args:
        source: For example timm's HRNet; what it has beyond `target` (its classifier) is left.
        target: A backbone of the same variant.
    """
    values = source.state_dict().values()
    target.load_state_dict(dict(zip(target.state_dict(), values, strict=False)))
