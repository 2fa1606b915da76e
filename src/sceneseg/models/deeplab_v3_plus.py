"""DeepLabV3+: atrous spatial pyramid pooling, sharpened by an early feature map at 1/4.

Parameters for 19 classes and GMACs at 1024x2048, output stride 16:

| encoder         | convolutions of ASPP and decoder | parameters | GMACs |                                        |
|-----------------|----------------------------------|------------|-------|----------------------------------------|
| MobileNetV2     | separable (the default)          |  2,719,299 |  44.7 |                                        |
| MobileNetV2     | dense                            |  5,815,539 | 210.4 | jfzhang95/pytorch-deeplab-xception     |
| MobileNetV2     | dense, decoder_convs 1           |  5,225,203 | 133.1 | VainF/DeepLabV3Plus-Pytorch            |
| ResNet-50       | dense, decoder_convs 1           | 39,761,331 | 476.4 | VainF                                  |
| ResNet-101      | dense, decoder_convs 1           | 58,753,459 | 631.6 | VainF                                  |
| Xception-65     | separable                        | 41,054,899 | 410.2 | the authors' weights (21: 41,055,413)  |
| Xception-65     | dense                            | 54,710,947 | 662.5 | jfzhang95 has 6,144 fewer              |

The early map of Xception has 256 channels, as in the authors' code; jfzhang95 takes one of 128 before it.

Source: Chen et al., "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation",
ECCV 2018, figure 2. VainF's weights of the ResNets give the same logits here (there the decoder's input has detail
before context).
"""

import torch
from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models import register
from sceneseg.models._encoder import TimmEncoder, initialize_decoder
from sceneseg.models.base import SegmentationModel
from sceneseg.models.layers import ASPP, ConvNormAct, SeparableConv, resize
from sceneseg.ranges import Blocks, Channels, Dropout

SPELLINGS = {"mobilenetv2": "mobilenetv2_100", "xception": "xception65"}
"""The paper's encoders under the names that people use -> timm's names."""


@register
class DeepLabV3Plus(SegmentationModel):
    """A dilated timm encoder, ASPP, a decoder at 1/4; logits at 1/4.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        encoder: mobilenetv2, xception (the modified aligned Xception-65), or any timm network with maps of
            stride 4 and 32 that can be dilated.
        pretrained: Start the encoder from timm's weights.
        output_stride: Stride of the encoder: 8, 16 or 32; the rates of ASPP follow it (6, 12, 18 at 16).
        separable: Whether the 3x3 convolutions of ASPP and decoder are separable.
        decoder_channels: Channels of ASPP and decoder.
        low_level_channels: Channels to which the map at 1/4 is reduced.
        decoder_convs: How many 3x3 convolutions the decoder has; the paper's best is 2.
        dropout: Probability of dropping a value behind ASPP.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        encoder: str = "mobilenetv2_100",
        pretrained: bool = False,
        output_stride: int = 16,
        separable: bool = True,
        decoder_channels: Channels = 256,
        low_level_channels: Channels = 48,
        decoder_convs: Blocks = 2,
        dropout: Dropout = 0.1,
    ) -> None:
        super().__init__(num_classes, in_channels)
        if decoder_convs < 1:
            raise ModelError(f"decoder_convs of DeepLabV3+ is at least 1, not {decoder_convs}.")
        self.size_divisor = output_stride
        encoder = SPELLINGS.get(encoder.lower().replace("_", ""), encoder)
        self.encoder = TimmEncoder(
            encoder, in_channels, strides=(4, 32), output_stride=output_stride, pretrained=pretrained
        )
        early, deep = self.encoder.channels
        rates = [rate * 16 // output_stride for rate in (6, 12, 18)]
        conv = SeparableConv if separable else ConvNormAct
        self.aspp = ASPP(deep, decoder_channels, rates, separable=separable, dropout=dropout)
        self.early = ConvNormAct(early, low_level_channels, 1)
        self.decoder = nn.Sequential(
            conv(decoder_channels + low_level_channels, decoder_channels),
            *(conv(decoder_channels, decoder_channels) for _ in range(decoder_convs - 1)),
        )
        self.head = nn.Conv2d(decoder_channels, num_classes, 1)
        initialize_decoder(self)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at 1/4."""
        early, deep = self.encoder(self.prepare(image))  # H/4 and H/output_stride
        early = self.early(early)  # (B, 48, H/4, W/4)
        context = resize(self.aspp(deep), like=early)  # (B, 256, H/4, W/4)
        return (self.head(self.decoder(torch.cat([context, early], dim=1))),)
