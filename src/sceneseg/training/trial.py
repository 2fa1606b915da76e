"""Trial steps: measure what a sample takes in a GPU's memory, as its libraries need more than can be counted."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sceneseg.arrays import ImageSize
from sceneseg.devices import is_out_of_memory
from sceneseg.tasks.base import Step
from sceneseg.training.gradients import StepSnapshot

Compute = Callable[[Tensor, Tensor, Tensor], object]
"""Image, color and labels -> forward and backward, as a real step does it."""


@dataclass(frozen=True)
class Meter:
    """Reads how much memory tensors take.

    Args:
        reset: Begins a measurement.
        peak: Returns the most bytes since then.
    """

    reset: Callable[[], object] = torch.cuda.reset_peak_memory_stats
    peak: Callable[[], int] = torch.cuda.max_memory_allocated


def measure_sample(
    step: Step, compute: Compute, size: ImageSize, device: torch.device, meter: Meter | None = None
) -> int | None:
    """Do steps with one sample and with two; gradients, statistics and random numbers are put back.

    Args:
        step: What is trained.
        compute: Does the work.
        size: (height, width) of the samples.
        device: Where they go.
        meter: Reads the memory; the GPU's when None.

    Returns:
        The bytes that one more sample takes, or None where not even two fit.
    """
    meter = meter or Meter()
    before = StepSnapshot(step)
    peaks = []
    try:
        for samples in (1, 1, 2):  # the first lets the libraries choose their ways and isn't counted
            image = torch.zeros(samples, 3, *size, dtype=torch.uint8, device=device)
            color = torch.ones(samples, 4, device=device)
            labels = torch.zeros(samples, *size, dtype=torch.uint8, device=device)
            meter.reset()
            compute(image, color, labels)
            peaks.append(meter.peak())
            step.zero_grad(set_to_none=True)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        before.restore(step)
    return max(1, peaks[2] - peaks[1])
