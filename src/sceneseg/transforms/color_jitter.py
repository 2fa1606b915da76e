"""Random brightness, contrast, saturation and hue, for whole batches on the device."""

from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sceneseg.arrays import FloatArray
from sceneseg.ranges import Range, Share
from sceneseg.transforms import register
from sceneseg.transforms.base import DeviceTransform, SampleInfo

UNCHANGED = np.array([1.0, 1.0, 1.0, 0.0])


@register
class ColorJitter(DeviceTransform):
    """Change the colors by one affine map of RGB for each image.

    Saturation and hue act on the chroma of YIQ, as a stretch and a rotation; contrast moves values away from the
    image's mean, brightness scales them.

    Source: Howard, "Some improvements on deep convolutional neural network based image classification", 2013, who
    changes contrast, brightness and color. Differs: all at once, as one affine map in YIQ.

    Args:
        brightness: Factor drawn from 1 ± this.
        contrast: Factor drawn from 1 ± this.
        saturation: Factor drawn from 1 ± this.
        hue: Shift drawn from ± this part of the color circle.

    Example:
        >>> image = torch.rand(1, 3, 4, 4)
        >>> darker = ColorJitter().apply(image, torch.tensor([[0.5, 1.0, 1.0, 0.0]]))
        >>> torch.allclose(darker, image / 2, atol=1e-5)
        True
    """

    def __init__(
        self,
        brightness: Share = 0.25,
        contrast: Share = 0.25,
        saturation: Share = 0.25,
        hue: Annotated[float, Range(0, 0.5)] = 0.03,
    ) -> None:
        self.brightness, self.contrast, self.saturation, self.hue = brightness, contrast, saturation, hue
        self._spread = np.array([brightness, contrast, saturation, hue])

    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> FloatArray:
        """Draw the factors of brightness, contrast and saturation and the hue shift, (4,)."""
        drawn: npt.NDArray[np.float64] = UNCHANGED + rng.uniform(-1, 1, 4) * self._spread
        return drawn.astype(np.float32)

    def apply(self, image: Tensor, drawn: Tensor) -> Tensor:
        """Return the images (B, 3, H, W) in other colors, within [0, 1], for factors and shifts (B, 4)."""
        brightness, contrast, saturation, hue = drawn.to(image.dtype).unbind(1)
        to_yiq = image.new_tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
        angle = hue * (2 * torch.pi)
        cos, sin, zero = angle.cos() * saturation, angle.sin() * saturation, torch.zeros_like(hue)
        turn = torch.stack([zero + 1, zero, zero, zero, cos, -sin, zero, sin, cos], 1).view(-1, 3, 3)
        matrix = torch.linalg.inv(to_yiq) @ turn @ to_yiq * (brightness * contrast).view(-1, 1, 1)  # (B, 3, 3)
        mean = image.mean((1, 2, 3)) * brightness * (1 - contrast)
        pixels = image.permute(0, 2, 3, 1)  # as batches lie in memory, so that this copies nothing
        changed = torch.baddbmm(mean.view(-1, 1, 1), pixels.flatten(1, 2), matrix.transpose(1, 2))
        return changed.view_as(pixels).permute(0, 3, 1, 2).clamp_(0, 1)
