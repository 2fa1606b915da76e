"""The view of a run that callbacks and hooks are given."""

import math
from dataclasses import dataclass
from typing import Any

from torch import nn

from sceneseg.config.schema import Config
from sceneseg.records.run_directory import RunDirectory
from sceneseg.records.scores import Scores
from sceneseg.tasks.base import Model, Validation
from sceneseg.training.setup import TrainingSetup
from sceneseg.training.state import Row, TrainState


@dataclass
class TrainView:
    """A run at one moment of its training. To be read; `stop` and `interrupt` are what a callback may ask for.

    Hooks find `config`, `run`, `model`, `network`, `optimizer`, `step`, `steps`, `epoch`, `loss`, `scores`, `row` and
    `stop()`.

    Args:
        setup: What the run is trained with.
        run: The run directory.
        loss: Of the last step.
        gradient_norm: Of the last step, before it was clipped; None where a gradient scaler handles it.
        validation: The last one.
        stop_reason: Why the run ends with this epoch; empty while it continues.
        interrupt_requested: Whether the run is to be left with its state saved.
    """

    setup: TrainingSetup
    run: RunDirectory
    loss: float = math.nan
    gradient_norm: float | None = None
    validation: Validation | None = None
    stop_reason: str = ""
    interrupt_requested: bool = False

    @property
    def config(self) -> Config:
        """The resolved configuration."""
        return self.setup.config

    @property
    def model(self) -> Model:
        """The network with the meaning of its outputs."""
        return self.setup.model

    @property
    def network(self) -> nn.Module:
        """The architecture with its present weights."""
        return self.setup.model.network

    @property
    def optimizer(self) -> Any:
        """The optimizer, wrapped by Fabric."""
        return self.setup.optimizer

    @property
    def state(self) -> TrainState:
        """Progress of the run."""
        return self.setup.state

    @property
    def step(self) -> int:
        """Number of finished steps."""
        return self.state.step

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.setup.steps

    @property
    def epoch(self) -> int:
        """The epoch, from 1, that the last step belongs to."""
        return -(-self.step // self.setup.steps_per_epoch)

    @property
    def epoch_ends(self) -> bool:
        """Whether an epoch ends with the last step: its last one, or the one that the run is stopped after."""
        return self.step % self.setup.steps_per_epoch == 0 or bool(self.stop_reason)

    @property
    def lr(self) -> float:
        """Learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def images_per_second(self) -> float:
        """Speed of training in the present epoch, waiting for data included, validation not."""
        return self.state.epoch_steps * self.config.train.batch_size / max(self.state.epoch_seconds, 1e-9)

    @property
    def scores(self) -> Scores:
        """Scores of the last validation; empty before the first one."""
        return Scores({}) if self.validation is None else self.validation.scores

    @property
    def row(self) -> Row:
        """The last row of history.csv; empty before the first epoch has ended."""
        return self.state.row

    @property
    def is_first_process(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.setup.fabric.is_global_zero

    @property
    def interrupted(self) -> bool:
        """Whether the run is left before its end, with its state saved."""
        return self.interrupt_requested and self.step < self.steps and not self.stop_reason

    def stop(self, reason: str = "") -> None:
        """End the run with this step: it is validated and finished, as if no more steps had been planned.

        Args:
            reason: A line for the user; a plain one when empty.
        """
        self.stop_reason = self.stop_reason or reason or f"stopped after step {self.step}, as asked"

    def interrupt(self) -> None:
        """Leave the run after this step; it can be resumed from its saved state."""
        self.interrupt_requested = True
