"""SegNet: VGG-16 without its dense layers, mirrored; the decoder puts values back where the maxima were.

29,449,355 parameters for 11 classes (equal to the authors' Caffe model), 29,453,971 for 19; 1302.2 GMACs at
1024x2048.

Source: Badrinarayanan et al., "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image
Segmentation", PAMI 2017, figure 2 and the authors' segnet_train.prototxt. Differs: sizes that 32 doesn't divide
are padded, where the authors' pooling rounds up and their decoder crops.
"""

from torch import Tensor

from sceneseg.models import register
from sceneseg.models._segnet import SegNetBody
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.ranges import Channels


@register
class SegNet(SegmentationModel):
    """Five levels down, five up, logits at full size.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Channels of the first level; 64 is the paper's.
        pretrained: Start the encoder from timm's VGG-16, as the paper does from Caffe's.
    """

    size_divisor = 32

    def __init__(
        self, num_classes: int, in_channels: Channels = 3, width: Channels = 64, pretrained: bool = False
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.body = SegNetBody(num_classes, in_channels, width)
        initialize(self)
        if pretrained:
            self.body.load_vgg16()

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at full size."""
        return (self.body(self.prepare(image)),)
