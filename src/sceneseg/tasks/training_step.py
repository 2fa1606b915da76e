"""The part of a segmentation's training that is differentiated: network, losses and their weights."""

import torch
from torch import Tensor, nn

from sceneseg import losses
from sceneseg.config import Config
from sceneseg.models._base import SegmentationModel
from sceneseg.tasks._base import Step


class TrainingStep(Step):
    """Colour, network and losses.

    Args:
        network: What is trained.
        config: Losses, their weights and that of the auxiliary heads.
        class_weights: One per class, or None.
    """

    def __init__(self, network: SegmentationModel, config: Config, class_weights: list[float] | None) -> None:
        super().__init__()
        self.network = network
        self.aux_weight = config.train.aux_weight
        self.factors: list[float] = []
        self.criteria = nn.ModuleList()
        for name, given in config.loss.items():
            arguments = dict(given) if isinstance(given, dict) else {"weight": given}
            self.factors.append(float(arguments.pop("weight", 1.0)))
            if class_weights is not None:
                arguments.setdefault("class_weights", class_weights)
            self.criteria.append(losses.create(name, **arguments))

    def outputs(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return coarse logits: the main head's, then those of auxiliary heads."""
        return self.network.coarse_logits(pixels)

    def loss(self, outputs: tuple[Tensor, ...], labels: Tensor, whole: Tensor | None = None) -> Tensor:
        """Return the weighted sum of all losses over all heads."""
        shares = torch.ones(len(self.criteria)) if whole is None else self._shares(labels, whole)
        main, *aux = outputs
        loss = self._loss(main, labels, shares)
        for logits in aux:
            loss = loss + self.aux_weight * self._loss(logits, labels, shares)
        return loss

    def weights(self, labels: Tensor) -> Tensor | None:
        """Return what each loss divides by."""
        if not all(hasattr(criterion, "weight") for criterion in self.criteria):
            return None
        return torch.stack([c.weight(labels, self.network.num_classes) for c in self.criteria])  # type: ignore[operator]

    def _shares(self, labels: Tensor, whole: Tensor) -> Tensor:
        weights = self.weights(labels)
        assert weights is not None  # else nobody would know the whole's
        return torch.where(whole > 0, weights / whole.clamp(min=1e-12), 0).float()

    def _loss(self, logits: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
        covered = self.network.padded_size(labels.shape[-2], labels.shape[-1])
        align = self.network.align_corners
        parts = [
            factor * share * criterion(logits, labels, covered=covered, align_corners=align)
            for factor, share, criterion in zip(self.factors, shares, self.criteria, strict=True)
        ]
        return torch.stack(parts).sum()
