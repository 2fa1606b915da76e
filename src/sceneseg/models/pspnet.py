"""PSPNet: a dilated encoder at 1/8 and averages of the scene over four grids.

46,715,347 parameters on the default encoder for 19 classes, 49,080,038 with the auxiliary head (equal to
hszhao/semseg), 1472.8 GMACs at 1024x2048.

Source: Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, figure 3. The default encoder is the authors'
ResNet-50, whose stem has three 3x3 convolutions. Differs: upsampling is on half-pixel centers, not on aligned
corners; the first block of a dilated stage keeps the dilation of the stage before, as in torchvision.
"""

from torch import Tensor

from sceneseg.models import register
from sceneseg.models._encoder import TimmEncoder, initialize_decoder
from sceneseg.models.base import SegmentationModel
from sceneseg.models.layers import FCNHead, PyramidPooling
from sceneseg.ranges import Channels, Dropout


@register
class PSPNet(SegmentationModel):
    """A dilated timm encoder, pyramid pooling, one 3x3 convolution; logits at 1/8.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        encoder: Any timm network with maps of stride 16 and 32 that can be dilated.
        pretrained: Start the encoder from timm's weights.
        output_stride: Stride of the encoder and of the logits: 8, 16 or 32.
        decoder_channels: Channels of the last 3x3 convolution; the auxiliary head has half as many.
        dropout: Probability of dropping a value before the last convolution.
        aux: Whether an auxiliary head on the map of stride 16 helps training.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        encoder: str = "resnet50s",
        pretrained: bool = False,
        output_stride: int = 8,
        decoder_channels: Channels = 512,
        dropout: Dropout = 0.1,
        aux: bool = True,
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.size_divisor = output_stride
        self.encoder = TimmEncoder(
            encoder, in_channels, strides=(16, 32), output_stride=output_stride, pretrained=pretrained
        )
        middle, deep = self.encoder.channels
        self.pooling = PyramidPooling(deep)
        self.head = FCNHead(2 * deep, decoder_channels, num_classes, dropout)
        self.aux_head = FCNHead(middle, decoder_channels // 2, num_classes, dropout) if aux else None
        initialize_decoder(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return logits at 1/8, and in training those of the auxiliary head."""
        middle, deep = self.encoder(self.prepare(image))  # both at H/8 with output stride 8
        logits = self.head(self.pooling(deep))
        if self.training and self.aux_head is not None:
            return logits, self.aux_head(middle)
        return (logits,)
