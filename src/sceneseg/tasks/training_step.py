"""The part of a segmentation's training that is differentiated: network, losses and their weights."""

import inspect

import torch
from torch import Tensor

from sceneseg import losses
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError
from sceneseg.losses import CLASSES
from sceneseg.models.base import SegmentationModel
from sceneseg.tasks.base import Step
from sceneseg.tasks.weighted_losses import WeightedLosses
from sceneseg.transforms.pipeline import scene_pipeline


class TrainingStep(Step):
    """Device transforms, network and losses.

    Args:
        network: What is trained.
        config: Transforms; losses, their weights and that of the auxiliary heads.
        class_weights: One per class, or None.

    Raises:
        ConfigError: A loss of an output that the network doesn't have, or an output that no loss trains.
    """

    def __init__(self, network: SegmentationModel, config: Config, class_weights: list[float] | None) -> None:
        super().__init__(scene_pipeline(config.augment).device)
        self.network = network
        self.aux_weight = config.train.aux_weight
        self.main = WeightedLosses(config.loss, class_weights)
        self.aux = WeightedLosses(config.aux_loss, class_weights) if config.aux_loss else self.main
        _check(network, self.main, self.aux)

    def outputs(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return coarse logits: the main head's, then those of auxiliary heads, then the network's `extra_heads`."""
        return self.network.coarse_logits(pixels)

    def loss(self, outputs: tuple[Tensor, ...], labels: Tensor, whole: Tensor | None = None) -> Tensor:
        """Return the weighted sum of all losses over all heads."""
        shares = self._shares(labels, whole)
        seen = (labels.shape[-2], labels.shape[-1])
        logits = [self.network.on_image(values, seen) for values in outputs]
        extra = self.network.extra_heads if self.network.training else ()
        classes = len(logits) - len(extra)
        main, *aux = logits[:classes]
        heads = {CLASSES: main, **dict(zip(extra, logits[classes:], strict=True))}
        loss: Tensor = self.main(heads, labels, shares[: len(self.main)])
        for head in aux:
            loss = loss + self.aux_weight * self.aux({CLASSES: head}, labels, shares[-len(self.aux) :])
        return loss

    def weights(self, labels: Tensor) -> Tensor | None:
        """Return what each loss divides by, those of the auxiliary heads last if they are others."""
        found: list[Tensor] = []
        for part in self._sums():
            weights = part.weights(labels, self.network.num_classes)
            if weights is None:
                return None
            found += weights
        return torch.stack(found)

    def _shares(self, labels: Tensor, whole: Tensor | None) -> Tensor:
        """Return what each loss of a part counts in the whole batch's."""
        if whole is None:
            return torch.ones(sum(len(part) for part in self._sums()))
        weights = self.weights(labels)
        assert weights is not None  # else nobody would know the whole's
        return torch.where(whole > 0, weights / whole.clamp(min=1e-12), 0).float()

    def _sums(self) -> list[WeightedLosses]:
        return [self.main] if self.aux is self.main else [self.main, self.aux]


def _check(network: SegmentationModel, main: WeightedLosses, aux: WeightedLosses) -> None:
    """Compare what the losses take with what the network gives.

    Raises:
        ConfigError: They don't fit each other.
    """
    there = {CLASSES, *network.extra_heads}
    for name, criterion in zip(main.names, main.criteria, strict=True):
        for head in [head for head in losses.heads(criterion) if head not in there]:
            known = head in inspect.signature(type(network)).parameters
            cure = f"Give it one with model.{head} = true" if known else f"Leave loss.{name} out"
            raise ConfigError(
                f"The loss {name} needs a {head} head, which this {network.name} doesn't have. {cure}.", field="loss"
            )
    if aux is not main and any(losses.heads(criterion) != (CLASSES,) for criterion in aux.criteria):
        raise ConfigError(f"Auxiliary heads give class logits alone; aux_loss has {', '.join(aux.names)}.")
    trained = {losses.heads(criterion)[0] for criterion in main.criteria}
    for head in (CLASSES, *network.extra_heads):
        if head not in trained:
            able = [name for name in losses.losses.names() if losses.heads(losses.losses.get(name)) == (head,)]
            raise ConfigError(
                f"No loss trains the {head} of {network.name}. Add one to the losses: {', '.join(able)}, for example "
                f"loss.{able[0]} = 1.",
                field="loss",
            )
