"""FCN-8s: VGG-16 with its classifier as convolutions, and two skips to 1/8.

134,364,569 parameters for 19 classes (wkentaro/pytorch-fcn: 134,456,985, of which 92,416 are the last
upsampling's), 886.7 GMACs at 1024x2048 (there 1102.0).

Source: Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, figure 3. Differs: fc6 is
padded by 3 where the authors pad the image by 100 pixels and crop; the last upsampling, by 8, is interpolation where
theirs is a transposed convolution whose bilinear weights are never trained.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models import register
from sceneseg.models._encoder import TimmEncoder, initialize_decoder
from sceneseg.models._timm import create_timm
from sceneseg.models.base import SegmentationModel
from sceneseg.ranges import Channels, Dropout

CLASSIFIER_CHANNELS = 4096


@register
class FCN8s(SegmentationModel):
    """VGG-16 and scores at 1/32, 1/16 and 1/8, added from coarse to fine; logits at 1/8.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        encoder: vgg16, or another VGG of timm.
        pretrained: Start VGG from timm's weights, its classifier's first two layers included.
        decoder_channels: Channels of fc6 and fc7; VGG has 4096.
        dropout: Probability of dropping a channel behind fc6 and fc7.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        encoder: str = "vgg16",
        pretrained: bool = False,
        decoder_channels: Channels = CLASSIFIER_CHANNELS,
        dropout: Dropout = 0.5,
    ) -> None:
        super().__init__(num_classes, in_channels)
        if not encoder.startswith("vgg"):
            raise ModelError(f'FCN-8s is built on a VGG such as "vgg16", not on "{encoder}"; FPN takes any encoder.')
        self.encoder = TimmEncoder(encoder, in_channels, strides=(4, 8, 32), pretrained=pretrained)
        at_quarter, at_eighth, deep = self.encoder.channels
        self.fc6 = nn.Conv2d(deep, decoder_channels, 7, padding=3)
        self.fc7 = nn.Conv2d(decoder_channels, decoder_channels, 1)
        self.dropout = nn.Dropout2d(dropout)
        self.score = nn.Conv2d(decoder_channels, num_classes, 1)
        self.score_pool4 = nn.Conv2d(at_eighth, num_classes, 1)
        self.score_pool3 = nn.Conv2d(at_quarter, num_classes, 1)
        self.double_32 = Doubling(num_classes)
        self.double_16 = Doubling(num_classes)
        initialize_decoder(self)
        self.double_32.interpolate()
        self.double_16.interpolate()
        if pretrained and decoder_channels == CLASSIFIER_CHANNELS:
            self.take_classifier(create_timm(encoder, pretrained=True))

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at 1/8."""
        third, fourth, pool5 = self.encoder(self.prepare(image))  # before pool3, before pool4, behind pool5
        pool3, pool4 = F.max_pool2d(third, 2), F.max_pool2d(fourth, 2)  # H/8, H/16
        x = self.dropout(F.relu(self.fc6(pool5)))  # (B, 4096, H/32, W/32)
        x = self.dropout(F.relu(self.fc7(x)))
        x = self.double_32(self.score(x)) + self.score_pool4(pool4)
        return (self.double_16(x) + self.score_pool3(pool3),)

    def take_classifier(self, vgg: nn.Module) -> None:
        """Copy the first two layers of a whole VGG's classifier (its 7x7 and 1x1 convolution) to fc6 and fc7."""
        layers = vgg.get_submodule("pre_logits")
        self.fc6.load_state_dict(layers.get_submodule("fc1").state_dict())
        self.fc7.load_state_dict(layers.get_submodule("fc2").state_dict())


class Doubling(nn.ConvTranspose2d):
    """A transposed convolution that doubles the size; it starts as bilinear interpolation and is learned."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 4, stride=2, padding=1, bias=False)

    def interpolate(self) -> None:
        """Set the weights to bilinear interpolation, each channel by itself."""
        line = torch.tensor([0.25, 0.75, 0.75, 0.25])
        channel = torch.arange(self.in_channels)
        with torch.no_grad():
            self.weight.zero_()
            self.weight[channel, channel] = torch.outer(line, line)
