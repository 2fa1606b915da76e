"""The training loop: steps, epochs, validations; what it does to the run directory, and how it resumes."""

import logging
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from lightning_fabric import Fabric

from sceneseg.config import Config
from sceneseg.data import loading
from sceneseg.data.loading import Batch, StepSampler
from sceneseg.devices import keep_freed_memory, resolve_device, resolve_precision
from sceneseg.inference import drawing
from sceneseg.optim import optimizers
from sceneseg.optim.averaging import WeightAverage
from sceneseg.optim.schedules import learning_rate
from sceneseg.runs import Run, write_history, write_json
from sceneseg.tasks._base import Task
from sceneseg.training.checkpoint import Progress, load_state, save_state
from sceneseg.training.interrupt import Interrupt
from sceneseg.training.monitor import Monitor


class Training:
    """A run from its first step, or from its saved state, to its last.

    Args:
        config: The resolved configuration.
        run: Where everything is written.
        task: What is learned, with its data.
        resume: Go on from the run's saved state.
    """

    def __init__(self, config: Config, run: Run, task: Task, *, resume: bool = False) -> None:
        self.config, self.run, self.task = config, run, task
        device = resolve_device(config.train.device)
        precision = resolve_precision(config.train.precision, device)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # precision is in config.yaml
        self.fabric = Fabric(accelerator=device, devices=config.train.devices, precision=precision)  # type: ignore[arg-type]
        self.fabric.launch()
        if device == "cpu":
            keep_freed_memory()
        self.model = task.create_model(precision)
        if config.train.channels_last:
            self.model.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        step = task.training_step()
        optimizer = optimizers.create(step, config.optim)
        self.peaks = [group["lr"] for group in optimizer.param_groups]
        self.module, self.optimizer = self.fabric.setup(step, optimizer)
        self.average = WeightAverage(self.model.network, config.train.ema) if config.train.ema else None
        self.steps_per_epoch = config.train.steps_in_epoch(len(task.train))
        self.steps = self.steps_per_epoch * config.train.epochs
        self.workers = loading.default_workers() if config.data.workers is None else config.data.workers
        self.samples = task.training_samples(self.workers)
        torch.manual_seed(config.seed)  # for dropout; weights and samples have generators of their own
        self.progress = load_state(run.state, self._parts()) if resume else Progress()

    def fit(self) -> bool:
        """Train to the end; return False when it was interrupted (its state is saved then)."""
        quiet = not self.fabric.is_global_zero
        folder = self.run.path / "tensorboard"
        score = next(iter(self.task.scores.items()))
        with Interrupt() as interrupt, Monitor(folder, self.steps, self.progress.step, score, quiet) as monitor:
            saved = time.perf_counter()
            for batch, waited in self._batches():
                self._step(batch, waited, monitor)
                epoch_ends = self.progress.step % self.steps_per_epoch == 0
                if epoch_ends:
                    self._end_epoch(monitor)
                late = time.perf_counter() - saved > 60 * self.config.train.checkpoint_minutes
                if epoch_ends or late or interrupt.requested:
                    save_state(self.run.state, self.progress, self._parts())
                    saved = time.perf_counter()
                if interrupt.requested and self.progress.step < self.steps:
                    return False
        return True

    def _batches(self) -> Iterator[tuple[Batch, float]]:
        """Yield the batches of the steps that are left, each with the seconds it was waited for."""
        first, size = self.progress.step, self.config.train.batch_size
        sampler = StepSampler(first, self.steps, size, self.fabric.global_rank, self.fabric.world_size)
        batches = iter(loading.training_loader(self.samples, sampler, self.workers))
        for _ in range(len(sampler)):
            start = time.perf_counter()
            batch: Any = next(batches)
            yield batch, time.perf_counter() - start

    def _step(self, batch: Batch, waited: float, monitor: Monitor) -> None:
        start = time.perf_counter()
        progress = self.progress
        scores = [row[next(iter(self.task.scores))] for row in progress.history]
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = learning_rate(progress.step, self.steps, peak, self.config.schedule, scores)
        self.module.train()
        loss = self.module(*self.fabric.to_device((batch.image, batch.labels, batch.colour)))
        self.fabric.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.model.network)
        progress.add_step(float(loss.detach()), time.perf_counter() - start + waited, waited)
        epoch = f"{(progress.step - 1) // self.steps_per_epoch + 1}/{self.config.train.epochs}"
        monitor.step(progress.step, epoch, progress.mean_loss, self._speed())

    def _speed(self) -> float:
        """Images per second in the present epoch, waiting included, validation not."""
        return self.progress.epoch_steps * self.config.train.batch_size / max(self.progress.epoch_seconds, 1e-9)

    def _end_epoch(self, monitor: Monitor) -> None:
        progress = self.progress
        epoch = progress.step // self.steps_per_epoch
        row: dict[str, Any] = {
            "epoch": epoch,
            "step": progress.step,
            "samples": progress.step * self.config.train.batch_size,
            "seconds": round(progress.seconds, 2),
            "lr": float(self.optimizer.param_groups[0]["lr"]),
            "loss": progress.mean_loss,
            "images_per_second": round(self._speed(), 3),
            "data_wait": round(progress.epoch_waited / max(progress.epoch_seconds, 1e-9), 4),
            **dict.fromkeys(self.task.scores),
        }
        if epoch % self.config.train.validate_every == 0 or epoch == self.config.train.epochs:
            row |= self._validate(epoch, monitor)
        progress.end_epoch(row)
        monitor.epoch(row, self.config.train.epochs)
        write_history(self.run.history, progress.history)

    def _validate(self, epoch: int, monitor: Monitor) -> dict[str, float]:
        """Score the validation split; write the weights, and if they are the best yet what belongs to them."""
        network = self.model.network
        with self.average.applied_to(network) if self.average else nullcontext():
            found = self.task.validate(self.workers)
            key = next(iter(self.task.scores))
            facts = {"score": {k: found.scores[k] for k in (key, "protocol")}, "epoch": epoch}
            self.model.save(self.run.last, network.state_dict(), **facts)
            if found.scores[key] > self.progress.best:
                self.progress.best = found.scores[key]
                self.model.save(self.run.best, network.state_dict(), **facts)
                found.write(self.run)
                write_json(self.run.metrics, found.scores)
        if found.picture is not None:
            drawing.write_bytes(self.run.preview(epoch), drawing.rgb_png(found.picture))
            monitor.picture(found.picture, self.progress.step)
        return {k: found.scores[k] for k in self.task.scores}

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"network": self.model.network, "optimizer": self.optimizer}
        return parts | ({"average": self.average} if self.average else {})
