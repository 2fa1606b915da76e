"""Overlap of what is predicted and what is labeled, class by class: what region losses are made of."""

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sceneseg.kernels.grid import CoarseLogits
from sceneseg.labels import IGNORE_INDEX
from sceneseg.losses._bands import check, sum_over_bands
from sceneseg.ranges import ClassWeights

TINY = 1e-12


class ClassMeanLoss(nn.Module):
    """A mean over the classes that a batch's labels hold.

    Args:
        class_weights: One per class, for the mean over the classes; or None.
    """

    class_weights: Tensor | None

    def __init__(self, class_weights: ClassWeights | None = None) -> None:
        super().__init__()
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(list(class_weights)))


class RegionLoss(ClassMeanLoss):
    """One minus the overlap of what is predicted and what is labeled, averaged over classes.

    Args:
        class_weights: One per class, for the mean over the classes; or None.
    """

    def forward(self, logits: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the loss of coarse logits (B, C, h, w) against labels (B, H, W) uint8."""
        logits = check(logits, labels, self.class_weights)
        intersection, predicted, labeled = regions(logits, labels)
        overlap = self.overlap(intersection, predicted, labeled)
        return mean_over_present(1 - overlap, labeled, self.class_weights)

    @abstractmethod
    def overlap(self, intersection: Tensor, predicted: Tensor, labeled: Tensor) -> Tensor:
        """Return the overlap of each class, (C,), from the sizes of the regions, (C,) each."""


class Regions(NamedTuple):
    """Soft pixel counts of each class over the valid pixels of a batch, (C,).

    Args:
        intersection: Probability of the class, summed over its labeled pixels.
        predicted: Its probability, summed over all pixels.
        labeled: Its labeled pixels.
    """

    intersection: Tensor
    predicted: Tensor
    labeled: Tensor


def regions(logits: CoarseLogits, labels: Tensor) -> Regions:
    """Measure the regions of coarse logits, as softmax sees them, and of labels (B, H, W)."""

    def measure(band: Tensor, labels: Tensor) -> Tensor:
        valid = (labels != IGNORE_INDEX).unsqueeze(1)
        return overlap(band.softmax(1) * valid, one_hot(labels, band.shape[1]))

    intersection, predicted = sum_over_bands(measure, logits, [labels])
    return Regions(intersection, predicted, labeled_pixels(labels, logits))


def overlap(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Return the soft pixel counts of the intersection and of the prediction, (2, C)."""
    hits = torch.where(targets, probabilities, 0)
    return torch.stack([hits.sum((0, 2, 3)), probabilities.sum((0, 2, 3))])


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Return (B, C, H, W) bool; an ignored pixel belongs to no class."""
    return labels.unsqueeze(1) == torch.arange(classes, device=labels.device).view(1, -1, 1, 1)


def labeled_pixels(labels: Tensor, like: CoarseLogits) -> Tensor:
    """Return the number of pixels of each class of the logits `like`, (C,)."""
    pixels = labels.flatten().long().bincount(minlength=256)[: like.num_classes]
    return pixels.to(like.exact_dtype)


def mean_over_present(losses: Tensor, labeled: Tensor, class_weights: Tensor | None) -> Tensor:
    """Average the losses of the classes (C,) that the labels hold; without any, 0."""
    return (losses * shares_of_present(labeled, class_weights)).sum()


def shares_of_present(labeled: Tensor, class_weights: Tensor | None) -> Tensor:
    """Return what each class counts in a mean over those that the labels hold, (C,); all 0 where there are none."""
    present = (labeled > 0).to(labeled)
    weights = present if class_weights is None else present * class_weights.to(present)
    return weights / weights.sum().clamp(min=TINY)
