"""Bayesian SegNet: SegNet with dropout in its six deep levels, whose samples show how certain the model is.

29,449,355 parameters for 11 classes (equal to the authors' Caffe model), 29,453,971 for 19; 1302.2 GMACs at
1024x2048, and 912.0 for each further sample.

Source: Kendall et al., "Bayesian SegNet: Model Uncertainty in Deep Convolutional Encoder-Decoder Architectures
for Scene Understanding", BMVC 2017, figure 1 and the authors' bayesian_segnet_train.prototxt. Differs: sizes that
32 doesn't divide are padded, where the authors' pooling rounds up and their decoder crops.
"""

from collections.abc import Iterator

from torch import Tensor

from sceneseg.models import register
from sceneseg.models._segnet import SegNetBody
from sceneseg.models.base import SegmentationModel, initialize
from sceneseg.ranges import Channels, Dropout


@register
class BayesianSegNet(SegmentationModel):
    """Five levels down, five up, logits at full size; `forward` is the mean network, `sample_logits` draws.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image.
        width: Channels of the first level; 64 is the paper's.
        dropout: Probability of dropping a value; 0.5 is the paper's.
        pretrained: Start the encoder from timm's VGG-16, as the paper does from Caffe's.
    """

    size_divisor = 32

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        width: Channels = 64,
        dropout: Dropout = 0.5,
        pretrained: bool = False,
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.body = SegNetBody(num_classes, in_channels, width, dropout)
        initialize(self)
        if pretrained:
            self.body.load_vgg16()

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at full size; values are dropped in training only."""
        return (self.body(self.prepare(image), drop=self.training),)

    def sample_logits(self, image: Tensor, samples: int) -> Iterator[Tensor]:
        """Draw logits with dropout switched on, in prediction mode too.

        The paper takes the mean of their softmax as the prediction and its variance as the uncertainty, and
        uses 40 to 50 samples. They come one by one, because forty of a 1024x2048 image fill 6 GB.

        Args:
            image: (B, in_channels, H, W) in [0, 1].
            samples: How many to draw, from torch's default generator.

        Yields:
            Logits (B, num_classes, H, W).
        """
        height, width = image.shape[-2:]
        shallow = self.body.shallow(self.prepare(image))  # no dropout up to here, so computed once
        for _ in range(samples):
            yield self.body.deep(*shallow, drop=True)[..., :height, :width]
