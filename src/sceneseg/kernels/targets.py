"""Targets of the cross-entropy kernels: what each label asks for, checked against the logits."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.errors import ConfigError, DataError, ModelError

Result = tuple[Tensor, Tensor, Tensor | None]  # sum of losses, sum of weights, gradient of the first if asked for


class Targets(NamedTuple):
    """The distribution every label asks for, times its class weight.

    The loss of a pixel with label k is ``hit[k] * -log p[k] + valid[k] * sum(spread * -log p)``.
    """

    weight: Tensor  # (256,) class weights; 0 for what is ignored, NaN for what is no class
    hit: Tensor  # (256,) what is left of the weight after smoothing
    valid: Tensor  # (256,) 1 for a class, 0 otherwise
    spread: Tensor  # (C,) what smoothing gives to each class


def check_targets(coarse: Tensor, labels: Tensor, class_weights: Tensor | None, ignore_index: int) -> None:
    """Compare logits with what they are to learn.

    Raises:
        ModelError: Shapes that don't fit each other.
        ConfigError: Not one weight per class.
        DataError: Labels that aren't uint8, or (on a CPU) a label that is neither a class nor ignored.
    """
    if coarse.ndim != 4 or labels.ndim != 3 or len(coarse) != len(labels):
        raise ModelError(
            f"Expected logits (B, C, h, w) and labels (B, H, W), found {tuple(coarse.shape)} and {tuple(labels.shape)}."
        )
    if labels.dtype != torch.uint8:
        raise DataError(f"Expected labels as uint8 train ids, found {labels.dtype}. Encode them with the label space.")
    classes = coarse.shape[1]
    if class_weights is not None and class_weights.shape != (classes,):
        raise ConfigError(f"Expected one class weight for each of {classes} classes, found {class_weights.numel()}.")
    if labels.device.type == "cpu":
        bad = (labels >= classes) & (labels != ignore_index)
        if bad.any():
            raise DataError(
                f"The labels hold the id {int(labels[bad].max())} ({int(bad.sum())} pixels are out of range), but "
                f"there are {classes} classes, and {ignore_index} is ignored. Encode them with the label space."
            )


def make_targets(logits: Tensor, class_weights: Tensor | None, label_smoothing: float, ignore_index: int) -> Targets:
    """Write down what every label asks for: float32, or float64 if the logits are."""
    classes = logits.shape[1]
    exact = logits.new_empty(0, dtype=torch.float64 if logits.dtype == torch.float64 else torch.float32)
    weights = exact.new_ones(classes) if class_weights is None else class_weights.to(exact)
    weight, valid = F.pad(weights, (0, 256 - classes), value=torch.nan), exact.new_zeros(256)
    valid[:classes] = 1
    if 0 <= ignore_index < 256:
        weight[ignore_index] = valid[ignore_index] = 0
    return Targets(weight, (1 - label_smoothing) * weight, valid, label_smoothing / classes * weights)
