"""The builder of trainings: from a configuration and a task to a `TrainingSetup`, and from that to a `Trainer`."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import nn

from sceneseg.config.schema import Config
from sceneseg.devices import gather, keep_in_float32, resolve_precision
from sceneseg.errors import ConfigError, did_you_mean
from sceneseg.loading import scene_samples
from sceneseg.optim import optimizers
from sceneseg.optim.averaging import WeightAverage
from sceneseg.records.run_directory import RunDirectory
from sceneseg.tasks.base import Model, Step, Task
from sceneseg.training.best_weights import BestWeights
from sceneseg.training.callbacks import Callback
from sceneseg.training.checkpoint import load_state, stateful_parts
from sceneseg.training.checkpointing import Checkpointing, SignalHandling
from sceneseg.training.early_stopping import EarlyStopping
from sceneseg.training.gradients import GradientAccumulator
from sceneseg.training.history import HistoryFile
from sceneseg.training.monitor import Monitor
from sceneseg.training.planning import MOST_PER_PIXEL, SAFE, free_memory, parse_bytes, plan, show_bytes
from sceneseg.training.recompute import checkpoint_blocks
from sceneseg.training.setup import TrainingSetup
from sceneseg.training.state import TrainState
from sceneseg.training.tracking import Tracking
from sceneseg.training.trainer import Trainer
from sceneseg.training.trial import measure_sample

Report = Callable[[str], object]
"""Is given each message for the user."""


def build_setup(
    config: Config,
    task: Task,
    fabric: Fabric,
    report: Report,
    *,
    resume_from: Path | None = None,
    micro_batch: int | None = None,
) -> TrainingSetup:
    """Build all that a run is trained with, restore its saved state, and plan how a batch fits into the memory.

    On a GPU where the batch may not fit at once this does three trial steps, whose traces are removed.

    Args:
        config: What is trained.
        task: What is learned, with its data.
        fabric: Device, precision and processes.
        report: Is given messages for the user.
        resume_from: The saved state to restore, if any.
        micro_batch: Samples that are computed at once from here on; None: those of the saved state, or as planned.

    Returns:
        The setup; `train.micro_batch` of its configuration is resolved.

    Raises:
        ConfigError: The validation has no score of that name to choose the best weights by.
        RunError: The saved state is missing or damaged.
    """
    score = _deciding_score(config, task)
    precision = resolve_precision(config.train.precision, fabric.device.type)
    model = _build_model(config, task, fabric, precision)
    step = task.training_step()
    if config.train.compile:
        step.compile()
        report("the first step compiles the network, which takes a minute or so")
    module = fabric.setup_module(step)
    # a scaler can't clip what a fused optimizer scales by itself
    fused = precision != "16-mixed" or config.train.clip_grad is None
    plain_optimizer = optimizers.create(step, config.optim, fused=fused)
    peaks = [group["lr"] for group in plain_optimizer.param_groups]
    optimizer: Any = fabric.setup_optimizers(plain_optimizer)
    average = WeightAverage(model.network, config.train.ema) if config.train.ema else None
    steps_per_epoch = config.train.steps_in_epoch(len(task.train))
    workers = scene_samples.default_workers() if config.data.workers is None else config.data.workers
    samples = task.training_samples(workers)
    torch.manual_seed(config.seed)  # for dropout; weights and samples have generators of their own
    state = TrainState()
    if resume_from is not None:
        state = load_state(resume_from, stateful_parts(fabric, model.network, optimizer, average))
    if not config.train.micro_batch:
        planner = MicroBatchPlanner(config, task, fabric, module, step, precision)
        config = replace(config, train=replace(config.train, micro_batch=min(gather(planner.plan(report)))))
    gradients = GradientAccumulator(
        fabric, module, step, micro_batch or state.micro_batch or config.train.micro_batch or 1
    )
    return TrainingSetup(
        config=config,
        task=task,
        fabric=fabric,
        score=score,
        precision=precision,
        model=model,
        module=module,
        step=step,
        optimizer=optimizer,
        peaks=peaks,
        average=average,
        gradients=gradients,
        samples=samples,
        workers=workers,
        steps_per_epoch=steps_per_epoch,
        steps=steps_per_epoch * config.train.epochs,
        state=state,
    )


def build_trainer(
    setup: TrainingSetup, run: RunDirectory, callbacks: Sequence[Callback] = (), data_changes: Sequence[int] = ()
) -> Trainer:
    """Build the trainer of a run with the callbacks that every run has.

    Args:
        setup: What it is trained with.
        run: The run directory, which exists.
        callbacks: Further ones; they come after the weights are saved, and before the state is.
        data_changes: After which steps a resumed run went on with other data.
    """
    names = {metric.key: metric.in_words for metric in setup.task.metrics()}
    monitor = Monitor(names.get(setup.score, setup.score), quiet=not setup.fabric.is_global_zero)
    signals = SignalHandling()
    standard = [signals, monitor, BestWeights(), Tracking(monitor.say), HistoryFile()]
    every = [*standard, EarlyStopping(setup.config.train.patience), *callbacks, Checkpointing(signals.interrupt)]
    return Trainer(setup, run, every, monitor.say, data_changes)


@dataclass(frozen=True)
class MicroBatchPlanner:
    """Finds how many samples fit into the memory at once.

    Args:
        config: What is trained.
        task: With the size of its samples.
        fabric: Device and processes.
        module: The training step, wrapped by Fabric.
        step: The same step as the task made it.
        precision: "32-true", "bf16-mixed" or "16-mixed".
    """

    config: Config
    task: Task
    fabric: Fabric
    module: _FabricModule
    step: Step
    precision: str

    def plan(self, report: Report) -> int:
        """Return how many samples fit at once; all of the batch where that is plain to see.

        Args:
            report: Called when a batch is computed in parts.
        """
        config, fabric = self.config, self.fabric
        batch = -(-config.train.batch_size // fabric.world_size)
        size = self.task.sample_size
        device = fabric.device.type
        memory = parse_bytes(config.train.memory) if config.train.memory else free_memory(device) // fabric.world_size
        if not self.task.has_label_images or batch * size[0] * size[1] * MOST_PER_PIXEL < SAFE * memory:
            return batch
        sample = None
        if device == "cuda" and config.train.strategy != "fsdp":  # whose processes must do the same number of steps
            sample = measure_sample(self.step, self._add_gradients, size, fabric.device)
            if sample is None:
                return 1
        classes = len(self.task.labels()["classes"])
        found = plan(config, classes, size, memory, self.precision, fabric.world_size, sample)
        if found.parts > 1 or not found.micro_batch:
            report(
                f"{show_bytes(memory)} of memory: a batch of {batch} is computed in parts of {found.micro_batch or 1}"
            )
        return max(1, found.micro_batch)

    def _add_gradients(self, *batch: Any) -> None:
        """Add the gradients of a batch without exchanging them with other processes."""
        joined = self.fabric.world_size > 1
        with self.fabric.no_backward_sync(self.module) if joined else nullcontext():
            self.fabric.backward(self.module(*batch))


def _build_model(config: Config, task: Task, fabric: Fabric, precision: str) -> Model:
    """Create the model in the form that it is trained in."""
    model = task.create_model(precision)
    if fabric.device.type == "cpu" and precision == "bf16-mixed":
        keep_in_float32(model.network)
    if config.train.channels_last:
        model.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(model.network)  # type: ignore[no-untyped-call]
    if config.train.checkpoint_activations:
        checkpoint_blocks(model.network)
    return model


def _deciding_score(config: Config, task: Task) -> str:
    """Return the score that decides which weights are the best."""
    score = config.train.best or next(iter(task.scores), None)
    if score is None:
        raise ConfigError(
            f"The task {task.facts.name} has no metric to choose the best weights by: expected one on the shelf with "
            f'"{task.facts.name}" among its tasks and in_history = True.',
            field="task",
        )
    if score not in task.measured:
        raise ConfigError(
            f'There is no score "{score}" to choose the best by.{did_you_mean(score, task.measured)} '
            f"There are: {', '.join(sorted(task.measured))}.",
            field="train.best",
        )
    return score
