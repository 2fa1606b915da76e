"""FastFCN: joint pyramid upsampling brings a plain encoder's last three maps to 1/8, in place of dilation.

Parameters for 19 classes and GMACs at 1024x2048: 52,815,315 and 777.2 with the FCN head, 66,450,899 and 1086.5 with
PSP, 59,497,683 and 978.9 with ASPP; 2,364,691 more with the auxiliary head. wuhuikai/FastFCN has 2,049,000 more
than each: it keeps the encoder's unused ImageNet classifier.

Source: Wu et al., "FastFCN: Rethinking Dilated Convolution in the Backbone for Semantic Segmentation", 2019,
figures 2 and 4. The default encoder is the authors' ResNet-50, whose stem has three 3x3 convolutions. Differs:
upsampling is on half-pixel centers, not on aligned corners; their EncNet head is left out.
"""

import torch
from torch import Tensor, nn

from sceneseg.models import register
from sceneseg.models._encoder import TimmEncoder, initialize_decoder
from sceneseg.models._variants import choose
from sceneseg.models.base import SegmentationModel
from sceneseg.models.layers import ASPP, ConvNormAct, FCNHead, PyramidPooling, resize
from sceneseg.ranges import Channels, Dropout


@register
class FastFCN(SegmentationModel):
    """A timm encoder, joint pyramid upsampling and a head; logits at 1/8.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        encoder: Any timm network with maps of stride 8, 16 and 32.
        pretrained: Start the encoder from timm's weights.
        head: fcn (one 3x3 convolution), psp (pyramid pooling) or aspp (atrous spatial pyramid pooling).
        width: Channels inside the joint pyramid upsampling; four times as many come out of it.
        dropout: Probability of dropping a value before the last convolution.
        aux: Whether an auxiliary head on the map of stride 16 helps training.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        encoder: str = "resnet50s",
        pretrained: bool = False,
        head: str = "fcn",
        width: Channels = 512,
        dropout: Dropout = 0.1,
        aux: bool = True,
    ) -> None:
        super().__init__(num_classes, in_channels)
        build_head = choose({"fcn": fcn_head, "psp": psp_head, "aspp": aspp_head}, head, "FastFCN head")
        self.encoder = TimmEncoder(encoder, in_channels, strides=(8, 16, 32), pretrained=pretrained)
        self.jpu = JointPyramidUpsampling(self.encoder.channels, width)
        self.head = build_head(4 * width, num_classes, dropout)
        self.aux_head = fcn_head(self.encoder.channels[1], num_classes, dropout) if aux else None
        initialize_decoder(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return logits at 1/8, and in training those of the auxiliary head, at 1/16."""
        maps = self.encoder(self.prepare(image))  # H/8, H/16, H/32
        logits = self.head(self.jpu(maps))
        if self.training and self.aux_head is not None:
            return logits, self.aux_head(maps[1])
        return (logits,)


class JointPyramidUpsampling(nn.Module):
    """Three maps to one width and size, then four separable convolutions of growing dilation side by side."""

    def __init__(self, in_channels: list[int], width: int) -> None:
        super().__init__()
        self.entries = nn.ModuleList(ConvNormAct(channels, width) for channels in in_channels)
        joint = len(in_channels) * width
        self.dilated = nn.ModuleList(
            nn.Sequential(
                ConvNormAct(joint, joint, dilation=dilation, groups=joint, act=False), ConvNormAct(joint, width, 1)
            )
            for dilation in (1, 2, 4, 8)
        )

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Merge maps at H/8, H/16 and H/32 into (B, 4 width, H/8, W/8)."""
        fine, *coarse = (entry(x) for entry, x in zip(self.entries, maps, strict=True))
        joint = torch.cat([fine, *(resize(x, like=fine) for x in coarse)], dim=1)
        return torch.cat([dilated(joint) for dilated in self.dilated], dim=1)


def fcn_head(in_channels: int, num_classes: int, dropout: float) -> nn.Module:
    """Build a head: a 3x3 convolution to a quarter of the channels."""
    return FCNHead(in_channels, in_channels // 4, num_classes, dropout)


def psp_head(in_channels: int, num_classes: int, dropout: float) -> nn.Module:
    """Pyramid pooling, then one 3x3 convolution."""
    return nn.Sequential(PyramidPooling(in_channels), FCNHead(2 * in_channels, in_channels // 4, num_classes, dropout))


def aspp_head(in_channels: int, num_classes: int, dropout: float) -> nn.Module:
    """Atrous spatial pyramid pooling to an eighth of the channels, then one 3x3 convolution."""
    channels = in_channels // 8
    return nn.Sequential(
        ASPP(in_channels, channels, (12, 24, 36), dropout=0.5), FCNHead(channels, channels, num_classes, dropout)
    )
