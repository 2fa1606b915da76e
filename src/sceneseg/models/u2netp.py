"""U2-NetP: U2-Net with the same few channels in every stage.

1,195,675 parameters for 19 classes (equal to xuebinqin/U-2-Net with 19 outputs), 438.1 GMACs at 1024x2048.

Source: Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern
Recognition 2020, figure 5 and table 1. Differs: several classes, so no sigmoid; sizes that 32 doesn't divide are
padded, where the authors' pooling rounds up.
"""

from torch import Tensor

from sceneseg.models import register
from sceneseg.models._rsu import NestedU
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.ranges import Channels


@register
class U2NetP(SegmentationModel):
    """Six nested stages down, five up, equally wide; logits at full size.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Channels between the stages; each has a quarter of it inside. 64 is the paper's.
    """

    size_divisor = 32

    def __init__(self, num_classes: int, in_channels: Channels = 3, width: Channels = 64) -> None:
        super().__init__(num_classes, in_channels)
        stage = (max(1, width // 4), width)
        self.body = NestedU(num_classes, in_channels, down=[stage] * 6, up=[stage] * 5)
        initialize(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the fused logits at full size, and in training those of the six scales, 1 to 1/32."""
        logits: tuple[Tensor, ...] = self.body(self.prepare(image))
        return logits if self.training else logits[:1]
