"""Losses with their weights, as the configuration names them: ``{cross_entropy: 1, dice: {weight: 0.5, ...}}``."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sceneseg import losses
from sceneseg.kernels.grid import CoarseLogits


class WeightedLosses(nn.Module):
    """A weighted sum of losses, each of the outputs that it takes.

    Args:
        given: Name -> weight, or arguments with `weight` among them.
        class_weights: One per class for the losses that take them, or None.

    Raises:
        UnknownNameError: There is no such loss.
        ConfigError: It has no such argument, or can't work with its value.
    """

    def __init__(self, given: Mapping[str, Any], class_weights: list[float] | None) -> None:
        super().__init__()
        self.names = [losses.losses.resolve(name) for name in given]
        self.factors: list[float] = []
        self.criteria = nn.ModuleList()
        for name, value in given.items():
            arguments = dict(value) if isinstance(value, dict) else {"weight": value}
            self.factors.append(float(arguments.pop("weight", 1.0)))
            if class_weights is not None and "class_weights" in inspect.signature(losses.losses.get(name)).parameters:
                arguments.setdefault("class_weights", class_weights)
            self.criteria.append(losses.create(name, **arguments))

    def __len__(self) -> int:
        """Return the number of losses."""
        return len(self.criteria)

    def forward(self, heads: Mapping[str, CoarseLogits], labels: Tensor, shares: Tensor) -> Tensor:
        """Return the sum over the losses whose outputs are there.

        Args:
            heads: Output by its kind.
            labels: (B, H, W) uint8 train ids.
            shares: Factor of each loss, in addition to its weight, where this is a part of a batch.
        """
        parts = [
            factor * share * criterion(*(heads[head] for head in losses.heads(criterion)), labels)
            for factor, share, criterion in zip(self.factors, shares, self.criteria, strict=True)
            if heads.keys() >= set(losses.heads(criterion))
        ]
        return torch.stack(parts).sum()

    def weights(self, labels: Tensor, classes: int) -> list[Tensor] | None:
        """Return what each loss divides by; None if one of them isn't a mean of its pixels."""
        if not all(hasattr(criterion, "weight") for criterion in self.criteria):
            return None
        return [criterion.weight(labels, classes) for criterion in self.criteria]  # type: ignore[operator]
