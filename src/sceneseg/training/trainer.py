"""The training loop: steps, epochs, validations; what it does to the run directory, and how it resumes."""

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from sceneseg.config import schema as configs
from sceneseg.config.schema import Config
from sceneseg.devices import any_process, gather, keep_in_float32, resolve_precision, share_buffers
from sceneseg.errors import ConfigError, RunError, TrainingError, did_you_mean
from sceneseg.inference import visualization
from sceneseg.loading import scene_samples
from sceneseg.loading.scene_samples import Batch, StepSampler
from sceneseg.optim import optimizers
from sceneseg.optim.averaging import WeightAverage
from sceneseg.optim.schedules import learning_rate
from sceneseg.records.run_directory import RunDirectory, write_history
from sceneseg.records.scores import Scores, write_scores
from sceneseg.tasks.base import Step, Task
from sceneseg.training import sharding, trackers
from sceneseg.training.checkpoint import Progress, load_state, save_state
from sceneseg.training.gradients import GradientAccumulator, freeze_statistics
from sceneseg.training.hooks import Hooks
from sceneseg.training.interrupt import Interrupt
from sceneseg.training.monitor import Monitor
from sceneseg.training.planning import MOST_PER_PIXEL, SAFE, free_memory, parse_bytes, plan, show_bytes
from sceneseg.training.recompute import checkpoint_blocks
from sceneseg.training.trackers._base import Tracker
from sceneseg.training.trial import measure_sample


class Trainer:
    """A run from its first step, or from its saved state, to its last.

    Hooks may read everything here; meant for them are `config`, `run`, `model`, `network`, `optimizer`, `step`,
    `steps`, `epoch`, `loss`, `scores`, `row` and `stop`.

    Args:
        config: The resolved configuration.
        run: Where everything is written.
        task: What is learned, with its data.
        fabric: Device, precision and processes.
        resume: Go on from the run's saved state.
        hooks: What is called on the way.
    """

    def __init__(
        self,
        config: Config,
        run: RunDirectory,
        task: Task,
        fabric: Fabric,
        *,
        resume: bool = False,
        hooks: Hooks | None = None,
    ) -> None:
        self.config, self.run, self.task, self.fabric = config, run, task, fabric
        self.hooks = hooks or Hooks()
        self.loss = math.nan
        """Of the last step."""
        self.scores = Scores({})
        """Of the last validation."""
        self.score = _score(config, task)
        self.data_changes: list[int] = []
        """After which steps a resumed run went on with other data."""
        self._stopping = False
        self.precision = resolve_precision(config.train.precision, fabric.device.type)
        self.model = task.create_model(self.precision)
        if fabric.device.type == "cpu" and self.precision == "bf16-mixed":
            keep_in_float32(self.model.network)
        if config.train.channels_last:
            self.model.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(self.model.network)  # type: ignore[no-untyped-call]
        if config.train.checkpoint_activations:
            checkpoint_blocks(self.model.network)
        step = task.training_step()
        if config.train.compile:
            step.compile()
            print("the first step compiles the network, which takes a minute or so")
        self.module = fabric.setup_module(step)
        # a scaler can't clip what a fused optimizer scales by itself
        fused = self.precision != "16-mixed" or config.train.clip_grad is None
        optimizer = optimizers.create(step, config.optim, fused=fused)
        self.peaks = [group["lr"] for group in optimizer.param_groups]
        self.optimizer: Any = fabric.setup_optimizers(optimizer)
        self.average = WeightAverage(self.model.network, config.train.ema) if config.train.ema else None
        self.steps_per_epoch = config.train.steps_in_epoch(len(task.train))
        self.steps = self.steps_per_epoch * config.train.epochs
        self.workers = scene_samples.default_workers() if config.data.workers is None else config.data.workers
        self.samples = task.training_samples(self.workers)
        torch.manual_seed(config.seed)  # for dropout; weights and samples have generators of their own
        self.progress = load_state(run.state, self._parts()) if resume else Progress()
        config.train.micro_batch = config.train.micro_batch or min(gather(self._planned(step)))
        micro_batch = self.progress.micro_batch or config.train.micro_batch
        self.gradients = GradientAccumulator(fabric, self.module, step, micro_batch, self._say)
        self._had_folder = False

    @property
    def network(self) -> nn.Module:
        """The architecture with its weights as they are now."""
        return self.model.network

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self.progress.step

    @property
    def epoch(self) -> int:
        """The epoch, from 1, that the last step belongs to."""
        return -(-self.progress.step // self.steps_per_epoch)

    @property
    def row(self) -> dict[str, Any]:
        """The last row of history.csv; empty before the first epoch has ended."""
        return self.progress.history[-1] if self.progress.history else {}

    def change_data(self, steps: list[int], val_changed: bool) -> None:
        """Take note that the data are others from here on.

        Args:
            steps: After which steps of the run that happened.
            val_changed: Whether the best score so far was measured on others than the next ones will be.
        """
        self.data_changes = steps
        if val_changed:
            self.progress.best, self.progress.stale = Progress().best, 0

    def stop(self) -> None:
        """End the run with this step: it is validated and finished, as if no more had been planned."""
        self._stopping = True

    def _planned(self, step: Step) -> int:
        """Return how many samples fit at once; all of the batch where that is plain to see."""
        config, fabric = self.config, self.fabric
        batch = -(-config.train.batch_size // fabric.world_size)
        size = self.task.sample_size
        device = fabric.device.type
        memory = parse_bytes(config.train.memory) if config.train.memory else free_memory(device) // fabric.world_size
        if config.task != "semantic" or batch * size[0] * size[1] * MOST_PER_PIXEL < SAFE * memory:
            return batch
        sample = None
        if device == "cuda" and config.train.strategy != "fsdp":  # whose processes must do the same number of steps
            sample = measure_sample(step, self._alone, size, fabric.device)
            if sample is None:
                return 1
        classes = len(self.task.labels()["classes"])
        found = plan(config, classes, size, memory, self.precision, fabric.world_size, sample)
        if found.parts > 1 or not found.micro_batch:
            print(
                f"{show_bytes(memory)} of memory: a batch of {batch} is computed in parts of {found.micro_batch or 1}"
            )
        return max(1, found.micro_batch)

    def _alone(self, *batch: Any) -> None:
        """Add the gradients of a batch without a word to other processes."""
        joined = self.fabric.world_size > 1
        with self.fabric.no_backward_sync(self.module) if joined else nullcontext():
            self.fabric.backward(self.module(*batch))

    def fit(self) -> bool:
        """Train to the end; return False when it was interrupted (its state is saved then)."""
        if self._stale():
            print("This run was stopped early. With more --train.patience it goes on.")
            return True
        self._had_folder = self.run.path.is_dir()
        quiet = not self.fabric.is_global_zero
        score = (self.score, self.task.scores.get(self.score, self.score))
        told = [] if quiet else self._trackers()
        with Interrupt() as interrupt, Monitor(told, self.steps, self.progress.step, score, quiet) as monitor:
            saved = time.perf_counter()
            self.monitor = monitor
            self.hooks.call("on_start", self)
            for batch, waited in self._batches():
                self._step(batch, waited, monitor)
                self.hooks.call("on_step_end", self)
                epoch_ends = self.progress.step % self.steps_per_epoch == 0 or self._stopping
                if epoch_ends:
                    self._end_epoch(monitor)
                # processes save together, though their clocks differ and a signal may reach one of them alone
                late = any_process(time.perf_counter() - saved > 60 * self.config.train.checkpoint_minutes)
                requested = any_process(interrupt.requested)
                if epoch_ends or late or requested:
                    self._save()
                    saved = time.perf_counter()
                if requested and self.progress.step < self.steps and not self._stopping:
                    self.hooks.call("on_end", self)
                    return False
                if epoch_ends and (self._stopping or self._stale()):
                    no_better = f"no better {self.score} in {self.progress.stale} validations: stopped early"
                    monitor.say(f"stopped after step {self.step}, as asked" if self._stopping else no_better)
                    break
            monitor.end = "finished"
        self.hooks.call("on_end", self)
        return True

    def _trackers(self) -> list[Tracker]:
        columns = list(dict.fromkeys([self.score, *self.task.scores]))
        return trackers.start(
            self.config.train.log, self.run, configs.to_dict(self.config), columns, self.progress.step
        )

    def timed_steps(self) -> Iterator[float]:
        """Do steps without an end, for measuring; yield the seconds of each, waiting for data included."""
        with Monitor([], self.steps, 0, (self.score, self.score), quiet=True) as self.monitor:
            for batch, waited in self._batches():
                before = self.progress.seconds
                self._step(batch, waited, self.monitor)
                yield self.progress.seconds - before

    def _stale(self) -> bool:
        patience = self.config.train.patience
        return patience is not None and self.progress.stale >= patience

    def _batches(self) -> Iterator[tuple[Batch, float]]:
        """Yield the batches of the steps that are left, each with the seconds it was waited for."""
        first, size = self.progress.step, self.config.train.batch_size
        sampler = StepSampler(first, self.steps, size, self.fabric.global_rank, self.fabric.world_size)
        pinned = self.fabric.device.type == "cuda"
        batches = iter(scene_samples.training_loader(self.samples, sampler, self.workers, pinned))
        for _ in range(len(sampler)):
            start = time.perf_counter()
            batch: Any = next(batches)
            yield batch, time.perf_counter() - start

    def _step(self, batch: Batch, waited: float, monitor: Monitor) -> None:
        start = time.perf_counter()
        progress = self.progress
        scores = [row[self.score] for row in progress.history]
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = learning_rate(progress.step, self.steps, peak, self.config.schedule, scores)
        self.module.train()
        if self.config.train.freeze_norm:
            freeze_statistics(self.module)
        loss = self.gradients.compute(batch)
        norm = self._clip()
        if not (math.isfinite(loss) and (norm is None or math.isfinite(norm))):
            self._refuse(batch, loss, norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.model.network)
        self.loss = loss
        progress.micro_batch = self.gradients.micro_batch
        lr = float(self.optimizer.param_groups[0]["lr"])
        progress.add_step(loss, time.perf_counter() - start + waited, waited, lr)
        epoch = f"{self.epoch}/{self.config.train.epochs}"
        facts = {"loss": loss, "lr": lr}
        facts |= {} if norm is None else {"gradient_norm": norm}
        monitor.step(progress.step, epoch, progress.mean_loss, self._speed(), facts)

    def _clip(self) -> float | None:
        """Shorten the gradients; return how long they were, None where a scaler looks after them."""
        limit = self.config.train.clip_grad
        if limit is not None:
            norm = self.fabric.clip_gradients(self.module, self.optimizer, max_norm=limit, error_if_nonfinite=False)
        else:
            norm = nn.utils.get_total_norm([p.grad for p in self.module.parameters() if p.grad is not None])
        # in float16 too large a scale gives infinite gradients, and the scaler skips the step
        return None if norm is None or self.precision == "16-mixed" else float(sharding.number(norm))

    def _refuse(self, batch: Batch, loss: float, norm: float | None) -> None:
        """Stop before a step with numbers that aren't finite, with the state of before it."""
        self.gradients.undo()
        self._save()
        what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradients' norm is {norm}"
        raise TrainingError(
            f"Step {self.progress.step + 1}: {what} for {', '.join(batch.names)}. Nothing was learned from it; the "
            f"state of before is saved. Look at these files (sceneseg data doctor), or lower the learning "
            f"rate with -l, or give --train.clip-grad 5, or --train.precision 32-true."
        )

    def _say(self, text: str) -> None:
        self.monitor.say(text)

    def _speed(self) -> float:
        """Images per second in the present epoch, waiting included, validation not."""
        return self.progress.epoch_steps * self.config.train.batch_size / max(self.progress.epoch_seconds, 1e-9)

    def _save(self) -> None:
        self._check_folder()
        save_state(self.run.state, self.progress, self._parts())

    def _check_folder(self) -> None:
        """See whether the run directory is still there, as writing to it would make another, unfinished one."""
        if self._had_folder and not self.run.path.is_dir():
            raise RunError(
                f"{self.run.path}: expected the run directory that this training writes to, but it was removed or "
                f"renamed after step {self.step}. If it was renamed, go on with: sceneseg train -r NEW_NAME"
            )

    def _end_epoch(self, monitor: Monitor) -> None:
        self._check_folder()
        progress, epoch = self.progress, self.epoch
        row: dict[str, Any] = {
            "epoch": epoch,
            "step": progress.step,
            "samples": progress.step * self.config.train.batch_size,
            "seconds": round(progress.seconds, 2),
            "lr": float(self.optimizer.param_groups[0]["lr"]),
            "lr_min": progress.epoch_lr_min,
            "lr_max": progress.epoch_lr_max,
            "loss": progress.mean_loss,
            "val_loss": None,
            "images_per_second": round(self._speed(), 3),
            "data_wait": round(progress.epoch_waited / max(progress.epoch_seconds, 1e-9), 4),
            **dict.fromkeys([*self.task.scores, self.score]),
        }
        if any(self.row.get("step", 0) <= step < progress.step for step in self.data_changes):
            row["data_changed"] = 1
        if epoch % self.config.train.validate_every == 0 or epoch == self.config.train.epochs or self._stopping:
            row |= self._validate(epoch, monitor)
            self.hooks.call("on_validation_end", self)
        progress.end_epoch(row)
        monitor.epoch(row, self.config.train.epochs)
        if self.fabric.is_global_zero:
            write_history(self.run.history, progress.history)
        self.hooks.call("on_epoch_end", self)

    def _validate(self, epoch: int, monitor: Monitor) -> dict[str, Any]:
        """Score the validation split; write the weights, and if they are the best yet what belongs to them."""
        network = self.model.network
        with self.average.applied_to(network) if self.average else nullcontext():
            share_buffers(network)
            with sharding.whole_weights(self.module):
                found = self.task.validate(self.workers)
            state = sharding.whole(network.state_dict())
            self.scores, means = found.scores, found.scores.means
            key = self.score
            if (value := means.get(key)) is None:
                numbers = [name for name, value in means.items() if value is not None]
                raise ConfigError(
                    f"The validation split gives no {key} to choose the best weights by. It gives: "
                    f"{', '.join(numbers) or 'nothing, as none of its pixels is labeled'}."
                )
            better = value > self.progress.best
            self.progress.stale = 0 if better else self.progress.stale + 1
            self.progress.best = max(self.progress.best, value)
            row = {"val_loss": found.loss, **{k: means.get(k) for k in {*self.task.scores, key}}}
            if not self.fabric.is_global_zero:
                return row
            facts = {"score": {key: value, "protocol": found.scores.protocol.to_dict()}, "epoch": epoch}
            self.model.save(self.run.last, state, **facts)
            if better:
                self.model.save(self.run.best, state, **facts)
                found.write(self.run)
                write_scores(self.run.metrics, found.scores)
        if found.picture is not None:
            visualization.write_bytes(self.run.preview(epoch), visualization.rgb_png(found.picture))
            monitor.picture(found.picture, self.progress.step)
        return row

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"network": self.model.network, "optimizer": self.optimizer}
        if scaler := getattr(self.fabric.strategy.precision, "scaler", None):  # of 16-mixed
            parts["scaler"] = scaler
        return parts | ({"average": self.average} if self.average else {})


def _score(config: Config, task: Task) -> str:
    """Return the score that decides which weights are the best."""
    score = config.train.best or next(iter(task.scores))
    if score not in task.measured:
        raise ConfigError(
            f'There is no score "{score}" to choose the best by.{did_you_mean(score, task.measured)} '
            f"There are: {', '.join(sorted(task.measured))}."
        )
    return score
