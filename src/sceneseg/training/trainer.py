"""The training loop: steps, epochs, validations. Everything else that happens in a run is a callback."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from torch import nn

from sceneseg.devices import share_buffers
from sceneseg.errors import NonFiniteError
from sceneseg.loading.scene_samples import Batch
from sceneseg.optim.schedules import learning_rate
from sceneseg.records.run_directory import RunDirectory
from sceneseg.training import sharding
from sceneseg.training.callbacks import Callback, Callbacks
from sceneseg.training.gradients import freeze_statistics
from sceneseg.training.history import epoch_row
from sceneseg.training.setup import TrainingSetup
from sceneseg.training.view import TrainView


class Trainer:
    """Trains a run from its first step, or from its restored state, to its last.

    Args:
        setup: What is trained, and how far it has come.
        run: The run directory.
        callbacks: Called in this order.
        say: Is given messages for the user.
        data_changes: After which steps a resumed run went on with other data.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        run: RunDirectory,
        callbacks: Sequence[Callback],
        say: Callable[[str], object],
        data_changes: Sequence[int] = (),
    ) -> None:
        self.setup, self.callbacks, self.say, self.data_changes = setup, Callbacks(callbacks), say, data_changes
        self.view = TrainView(setup, run)

    def fit(self) -> bool:
        """Train to the end; return False when the run was interrupted (its state is saved then)."""
        view = self.view
        try:
            self.callbacks.on_start(view)
            for batch, waited in self._batches():
                self._step(batch, waited)
                self.callbacks.on_step_end(view)
                epoch_ends = view.epoch_ends
                if epoch_ends:
                    self._end_epoch()
                if view.interrupted:
                    break
                if epoch_ends and view.stop_reason:
                    self.say(view.stop_reason)
                    break
            self.callbacks.on_end(view)
        except BaseException as error:
            self.callbacks.on_failure(view, error)
            raise
        return not view.interrupted

    def timed_steps(self) -> Iterator[float]:
        """Train without an end, epochs and callbacks, for measuring; yield the seconds of each step.

        Waiting for data is included.
        """
        for batch, waited in self._batches():
            before = self.setup.state.seconds
            self._step(batch, waited)
            yield self.setup.state.seconds - before

    def _batches(self) -> Iterator[tuple[Batch, float]]:
        """Yield the batches of the steps that are left, each with the seconds spent waiting for it."""
        setup = self.setup
        loader = setup.loader(setup.state.step, setup.steps, pinned=setup.fabric.device.type == "cuda")
        batches = iter(loader)
        for _ in range(len(loader)):
            start = time.perf_counter()
            batch: Any = next(batches)
            yield batch, time.perf_counter() - start

    def _step(self, batch: Batch, waited: float) -> None:
        """Update the weights with a batch.

        Raises:
            NonFiniteError: Loss or gradients aren't finite; model and random numbers are as before the step.
        """
        start = time.perf_counter()
        setup, state, view = self.setup, self.setup.state, self.view
        scores = [row[setup.score] for row in state.history]
        for group, peak in zip(setup.optimizer.param_groups, setup.peaks, strict=True):
            group["lr"] = learning_rate(state.step, setup.steps, peak, setup.config.schedule, scores)
        setup.module.train()
        if setup.config.train.freeze_norm:
            freeze_statistics(setup.module)
        loss = setup.gradients.compute(batch, self.say)
        norm = self._clip()
        if not (math.isfinite(loss) and (norm is None or math.isfinite(norm))):
            setup.gradients.undo()
            raise _non_finite(state.step + 1, batch, loss, norm)
        setup.optimizer.step()
        setup.optimizer.zero_grad(set_to_none=True)
        if setup.average is not None:
            setup.average.update(setup.model.network)
        view.loss, view.gradient_norm = loss, norm
        state.micro_batch = setup.gradients.micro_batch
        state.add_step(loss, time.perf_counter() - start + waited, waited, view.lr)

    def _clip(self) -> float | None:
        """Clip the gradients; return their norm from before, None where a gradient scaler handles it."""
        setup = self.setup
        limit = setup.config.train.clip_grad
        if limit is not None:
            norm = setup.fabric.clip_gradients(setup.module, setup.optimizer, max_norm=limit, error_if_nonfinite=False)
        else:
            norm = nn.utils.get_total_norm([p.grad for p in setup.module.parameters() if p.grad is not None])
        # in float16 too large a scale gives infinite gradients, and the scaler skips the step
        return None if norm is None or setup.precision == "16-mixed" else float(sharding.number(norm))

    def _end_epoch(self) -> None:
        view, train = self.view, self.setup.config.train
        due = view.epoch % train.validate_every == 0 or view.epoch == train.epochs or bool(view.stop_reason)
        if due:
            self._validate()
            self.callbacks.on_validation_end(view)
        self.setup.state.end_epoch(epoch_row(view, due, self.data_changes))
        self.callbacks.on_epoch_end(view)

    def _validate(self) -> None:
        """Score the validation split with the moving average of the weights, where there is one."""
        setup = self.setup
        network = setup.model.network
        with setup.average.applied_to(network) if setup.average else nullcontext():
            share_buffers(network)
            with sharding.whole_weights(setup.module):
                self.view.validation = setup.task.validate(setup.workers)


def _non_finite(step: int, batch: Batch, loss: float, norm: float | None) -> NonFiniteError:
    """Return the error of a step whose numbers aren't finite."""
    what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradients' norm is {norm}"
    return NonFiniteError(
        f"Step {step}: {what} for {', '.join(batch.names)}. Nothing was learned from it; the state of before is saved. "
        f"Check these files (sceneseg data doctor), lower the learning rate (optim.lr), clip the gradients "
        f"(train.clip_grad: 5), or compute in full precision (train.precision: 32-true).",
        field="optim.lr",
    )
