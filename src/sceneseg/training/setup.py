"""The setup of a training: everything that a run is trained with, built and planned before the first step."""

from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch.utils.data import Dataset

from sceneseg.config.schema import Config
from sceneseg.loading import scene_samples
from sceneseg.loading.scene_samples import StepSampler
from sceneseg.optim.averaging import WeightAverage
from sceneseg.tasks.base import Model, Step, Task
from sceneseg.training.gradients import GradientAccumulator
from sceneseg.training.state import TrainState
from sceneseg.transforms.base import Sample


@dataclass(frozen=True)
class TrainingSetup:
    """Model, data, optimizer and state of a run, as `sceneseg.training.builder.build_setup` puts them together.

    Args:
        config: The resolved configuration.
        task: What is learned, with its data.
        fabric: Device, precision and processes.
        score: The validation score that decides which weights are the best.
        precision: "32-true", "bf16-mixed" or "16-mixed".
        model: The network with the meaning of its outputs.
        module: The training step (network and losses), wrapped by Fabric.
        step: The same step as the task made it.
        optimizer: Wrapped by Fabric.
        peaks: Peak learning rate of each of the optimizer's parameter groups.
        average: The moving average of the weights, where there is one.
        gradients: Computes the gradients of a batch.
        samples: The endless row of training samples.
        workers: Processes that read them.
        steps_per_epoch: Steps of an epoch.
        steps: Steps of the whole run.
        state: How far the run has come.
    """

    config: Config
    task: Task
    fabric: Fabric
    score: str
    precision: str
    model: Model
    module: _FabricModule
    step: Step
    optimizer: Any
    peaks: list[float]
    average: WeightAverage | None
    gradients: GradientAccumulator
    samples: Dataset[Sample]
    workers: int
    steps_per_epoch: int
    steps: int
    state: TrainState

    def loader(self, first: int, last: int, pinned: bool = False) -> "torch.utils.data.DataLoader[Sample]":
        """Return a loader of this process's batches.

        Args:
            first: The first step, from 0.
            last: The step to end before.
            pinned: Whether batches lie in pinned memory, for a GPU.
        """
        fabric = self.fabric
        sampler = StepSampler(first, last, self.config.train.batch_size, fabric.global_rank, fabric.world_size)
        return scene_samples.training_loader(self.samples, sampler, self.workers, pinned)
