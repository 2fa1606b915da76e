"""The progress of a run as plain data: what a saved state holds besides weights, optimizer and random numbers."""

import math
from dataclasses import dataclass, field

Row = dict[str, float | None]
"""A row of history.csv; None where something wasn't measured in that epoch."""


@dataclass
class TrainState:
    """Progress of a run; the only part of a training that changes from step to step besides tensors.

    Args:
        step: Optimizer steps done.
        best: The best validation score so far.
        seconds: Training time so far, without validation.
        history: The rows of history.csv.
        epoch_steps: Steps of the present epoch that are done; the next three are sums over them.
        epoch_loss: Losses.
        epoch_seconds: Training time.
        epoch_waited: Seconds of it spent waiting for data.
        epoch_lr_min: The smallest learning rate of the present epoch's steps.
        epoch_lr_max: The largest.
        micro_batch: Samples that are computed at once.
        stale: Validations since the best one.

    Example:
        >>> state = TrainState()
        >>> state.add_step(loss=2.0, seconds=0.5, waited=0.1, lr=0.01)
        >>> state.add_step(loss=1.0, seconds=0.5, waited=0.0, lr=0.02)
        >>> state.step, state.mean_loss, state.epoch_lr_max
        (2, 1.5, 0.02)
    """

    step: int = 0
    best: float = -1.0
    seconds: float = 0.0
    history: list[Row] = field(default_factory=list)
    epoch_steps: int = 0
    epoch_loss: float = 0.0
    epoch_seconds: float = 0.0
    epoch_waited: float = 0.0
    epoch_lr_min: float = math.inf
    epoch_lr_max: float = 0.0
    micro_batch: int = 0
    stale: int = 0

    @property
    def mean_loss(self) -> float:
        """Mean loss of the present epoch's steps."""
        return self.epoch_loss / max(1, self.epoch_steps)

    @property
    def row(self) -> Row:
        """The last row of history.csv; empty before the first epoch has ended."""
        return self.history[-1] if self.history else {}

    def add_step(self, loss: float, seconds: float, waited: float, lr: float) -> None:
        """Count a finished step.

        Args:
            loss: Of its batch.
            seconds: That it took, waiting for data included.
            waited: Seconds of them spent waiting for data.
            lr: Its learning rate.
        """
        self.epoch_lr_min, self.epoch_lr_max = min(self.epoch_lr_min, lr), max(self.epoch_lr_max, lr)
        self.step += 1
        self.epoch_steps += 1
        self.seconds += seconds
        self.epoch_loss += loss
        self.epoch_seconds += seconds
        self.epoch_waited += waited

    def add_score(self, score: float) -> bool:
        """Count a validation; return whether its score is the best so far."""
        better = score > self.best
        self.stale = 0 if better else self.stale + 1
        self.best = max(self.best, score)
        return better

    def forget_best(self) -> None:
        """Drop the best score, as the next ones are measured on other data."""
        self.best, self.stale = TrainState.best, 0

    def end_epoch(self, row: Row) -> None:
        """Add the epoch's row to the history and start the next epoch's sums."""
        self.history.append(row)
        self.epoch_steps = 0
        self.epoch_loss = self.epoch_seconds = self.epoch_waited = 0.0
        self.epoch_lr_min, self.epoch_lr_max = math.inf, 0.0
