"""Cross-entropy that counts more, the closer a pixel lies to another class."""

import math

import torch
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits
from sceneseg.losses import register
from sceneseg.losses._bands import check, label_weights, sum_over_bands, true_logits
from sceneseg.losses._edges import boundaries
from sceneseg.ranges import ClassWeights, NotNegative, Positive


@register
class Boundary(nn.Module):
    """Cross-entropy weighted by 1 + w0 exp(-d**2 / (2 sigma**2)), d the distance to the nearest class boundary.

    Divided by the sum of the weights. The border of ignored pixels is no boundary. No valid pixel gives 0.

    Source: Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
    equations 1 and 2. Differs: touching objects are touching classes, so that there is one distance where they add
    those of two cells; it is counted from the boundary's pixels (d = 0), and beyond 3 sigma the weight is 1.

    Args:
        w0: What is added to the weight on the boundary.
        sigma: How far that reaches, in pixels.
        class_weights: One per class, or None.
    """

    class_weights: Tensor | None

    def __init__(
        self, w0: NotNegative = 10.0, sigma: Positive = 5.0, class_weights: ClassWeights | None = None
    ) -> None:
        super().__init__()
        self.w0, self.sigma = w0, sigma
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(list(class_weights)))

    def forward(self, logits: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the loss of coarse logits (B, C, h, w) against labels (B, H, W) uint8."""
        logits = check(logits, labels, self.class_weights)
        weights = self._weights(labels, logits.num_classes, logits.exact_dtype)
        loss = sum_over_bands(_measure, logits, [labels, weights])
        return loss / weights.sum().clamp(min=1e-12)

    def weight(self, labels: Tensor, classes: int) -> Tensor:
        """Return the sum of weights that the mean divides by."""
        return self._weights(labels, classes, torch.float64).sum()

    def _weights(self, labels: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
        weights = label_weights(labels, classes, self.class_weights, dtype)
        return weights * (1 + self.w0 * fading(boundaries(labels).to(weights), self.sigma))


def fading(marks: Tensor, sigma: float) -> Tensor:
    """Return exp(-d**2 / (2 sigma**2)), d the distance to the nearest mark; 0 beyond 3 sigma in a row or column.

    The square of a distance is a sum over the axes, so that the nearest mark is found axis by axis.
    """
    for dim in (1, 2):
        spread = marks.clone()
        for step in range(1, min(math.ceil(3 * sigma), marks.shape[dim] - 1) + 1):
            length = marks.shape[dim] - step
            faded = marks * math.exp(-(step**2) / (2 * sigma**2))
            low, high = spread.narrow(dim, 0, length), spread.narrow(dim, step, length)
            torch.maximum(high, faded.narrow(dim, 0, length), out=high)
            torch.maximum(low, faded.narrow(dim, step, length), out=low)
        marks = spread
    return marks


def _measure(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    return (weights * (logits.logsumexp(1) - true_logits(logits, labels))).sum()
