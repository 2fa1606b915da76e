"""FPN for segmentation: a pyramid of equally wide maps, each brought to 1/4 of the image, summed.

25,590,227 parameters on ResNeXt-50 for 19 classes, 25,588,808 for 8 (both equal to segmentation_models_pytorch),
255.4 GMACs at 1024x2048.

Source: Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017, figure 3; the segmentation branch
is that of Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019, figure 3. Dropout and corner-aligned
upsampling are those of segmentation_models_pytorch, whose weights give the same logits here.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models import register
from sceneseg.models._encoder import TimmEncoder, initialize_decoder
from sceneseg.models.base import SegmentationModel
from sceneseg.ranges import Channels, Dropout


@register
class FPN(SegmentationModel):
    """A timm encoder, a top-down path, one branch of convolutions for each level; logits at 1/4.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        encoder: Any timm network with maps of stride 4, 8, 16 and 32.
        pretrained: Start the encoder from timm's weights.
        pyramid_channels: Channels of the pyramid's maps.
        decoder_channels: Channels of the branches, a multiple of 32.
        dropout: Probability of dropping a channel before the last convolution.
    """

    align_corners = True

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        encoder: str = "resnext50_32x4d",
        pretrained: bool = False,
        pyramid_channels: Channels = 256,
        decoder_channels: Channels = 128,
        dropout: Dropout = 0.2,
    ) -> None:
        super().__init__(num_classes, in_channels)
        if decoder_channels % 32:
            raise ModelError(
                f"decoder_channels of an FPN is a multiple of 32 (its norm groups), not {decoder_channels}."
            )
        self.encoder = TimmEncoder(encoder, in_channels, strides=(4, 8, 16, 32), pretrained=pretrained)
        self.lateral = nn.ModuleList(nn.Conv2d(channels, pyramid_channels, 1) for channels in self.encoder.channels)
        self.branches = nn.ModuleList(Branch(pyramid_channels, decoder_channels, doublings) for doublings in range(4))
        self.head = nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(decoder_channels, num_classes, 1))
        initialize_decoder(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at 1/4."""
        maps = self.encoder(self.prepare(image))  # H/4 ... H/32
        pyramid = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for i in (2, 1, 0):
            pyramid[i] = pyramid[i] + F.interpolate(pyramid[i + 1], scale_factor=2, mode="nearest")
        parts = [branch(x) for branch, x in zip(self.branches, pyramid, strict=True)]  # each (B, C, H/4, W/4)
        return (self.head(sum(parts)),)


class Branch(nn.Sequential):
    """One 3x3 convolution with group normalization and ReLU for each doubling of the size, at least one."""

    def __init__(self, in_channels: int, out_channels: int, doublings: int) -> None:
        layers: list[nn.Module] = []
        for i in range(max(1, doublings)):
            layers += [
                nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1, bias=False),
                nn.GroupNorm(32, out_channels),
                nn.ReLU(inplace=True),
            ]
            if doublings:
                layers.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True))
        super().__init__(*layers)
