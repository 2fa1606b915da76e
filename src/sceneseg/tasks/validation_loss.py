"""The training's main loss on labeled scenes, at the labels' native size."""

from dataclasses import replace

import torch

from sceneseg.datasets.base import Scene
from sceneseg.devices import gather
from sceneseg.inference.prediction import Prediction
from sceneseg.labels import IGNORE_INDEX
from sceneseg.losses import CLASSES
from sceneseg.tasks.weighted_losses import WeightedLosses


class ValidationLoss:
    """A mean over scenes, each weighted by its labeled pixels; auxiliary heads and losses of other outputs don't count.

    Args:
        losses: Those of the main head, as in training.
    """

    def __init__(self, losses: WeightedLosses) -> None:
        self.losses = losses
        self.total = 0.0
        self.pixels = 0

    def add(self, scene: Scene, prediction: Prediction) -> None:
        """Add a scene with labels and what was predicted for it, coarse logits included."""
        assert scene.labels is not None
        assert prediction.coarse is not None
        pixels = int((scene.labels != IGNORE_INDEX).sum())
        coarse = replace(prediction.coarse, values=prediction.coarse.values.float())
        labels = torch.from_numpy(scene.labels)[None].to(coarse.values.device)
        loss = self.losses({CLASSES: coarse}, labels, torch.ones(len(self.losses)))
        self.total += float(loss) * pixels
        self.pixels += pixels

    def mean(self) -> float | None:
        """Return the mean over the scenes of all processes, which call this together; None without a labeled pixel."""
        totals, pixels = zip(*gather((self.total, self.pixels)), strict=True)
        return sum(totals) / sum(pixels) if sum(pixels) else None
