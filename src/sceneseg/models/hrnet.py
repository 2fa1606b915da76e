"""HRNet: full context without losing resolution, all branches stacked at 1/4 under a light head.

Parameters for 19 classes and GMACs at 1024x2048: W48 65,859,379 and 747.5, W18 9,641,119 and 147.4, W18-small-v2
3,939,579 and 76.9, W18-small-v1 1,540,819 and 33.4, equal to HRNet/HRNet-Semantic-Segmentation (pytorch-v1.1).

Source: Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", IEEE TPAMI 2021
(arXiv 1908.07919), HRNetV2: figure 4 (b).
"""

from torch import Tensor

from sceneseg.models import register
from sceneseg.models._hrnet import HRNetBackbone, concatenate, load_imagenet_weights, pixel_head
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.ranges import Channels


@register
class HRNet(SegmentationModel):
    """Four parallel branches, stacked; logits at 1/4.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        variant: "w18-small-v1", "w18-small-v2", "w18", "w32" or "w48".
        width: Channels of the branch at 1/4, if not the variant's.
        pretrained: Start from ImageNet weights (timm's, downloaded once).
    """

    size_divisor = 4  # smaller branches round up by themselves

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        variant: str = "w48",
        width: Channels | None = None,
        pretrained: bool = False,
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.backbone = HRNetBackbone(in_channels, variant, width)
        self.head = pixel_head(sum(self.backbone.channels), num_classes)
        initialize(self.backbone)
        if pretrained:
            load_imagenet_weights(self.backbone, variant, in_channels)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at 1/4."""
        return (self.head(concatenate(self.backbone(self.prepare(image)))),)
