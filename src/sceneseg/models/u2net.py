"""U2-Net: a U-Net whose every stage is itself a small U-Net, with logits at six scales, fused.

44,260,987 parameters for 19 classes (equal to xuebinqin/U-2-Net with 19 outputs), 1236.7 GMACs at 1024x2048.

Source: Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern
Recognition 2020, figure 5 and table 1. Differs: several classes, so no sigmoid; sizes that 32 doesn't divide are
padded, where the authors' pooling rounds up.
"""

from torch import Tensor

from sceneseg.models import register
from sceneseg.models._rsu import NestedU
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.ranges import Channels, WidthFactor


@register
class U2Net(SegmentationModel):
    """Six nested stages down, five up; logits at full size.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Multiplies every channel count; 1.0 is the paper's.
    """

    size_divisor = 32

    def __init__(self, num_classes: int, in_channels: Channels = 3, width: WidthFactor = 1.0) -> None:
        super().__init__(num_classes, in_channels)
        c16, c32, c64, c128, c256, c512 = (max(1, round(c * width)) for c in (16, 32, 64, 128, 256, 512))
        down = [(c32, c64), (c32, c128), (c64, c256), (c128, c512), (c256, c512), (c256, c512)]
        up = [(c16, c64), (c32, c64), (c64, c128), (c128, c256), (c256, c512)]
        self.body = NestedU(num_classes, in_channels, down, up)
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the fused logits at full size, and in training those of the six scales, 1 to 1/32."""
        logits: tuple[Tensor, ...] = self.body(self.prepare(image))
        return logits if self.training else logits[:1]
