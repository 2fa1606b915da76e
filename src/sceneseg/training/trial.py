"""Trial steps: measure what a sample takes in a GPU's memory, as its libraries need more than can be counted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sceneseg.arrays import FloatArray, ImageSize
from sceneseg.devices import is_out_of_memory
from sceneseg.tasks.base import Step
from sceneseg.training.gradients import StepSnapshot
from sceneseg.transforms.base import SampleInfo, sample_generator

Compute = Callable[[Tensor, dict[str, Tensor], Tensor], object]
"""Image, params and labels, as in `Step.forward` -> forward and backward, as a real step does it."""


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
    drawn = _draw(step, size)
    peaks = []
    try:
        for samples in (1, 1, 2):  # the first lets the libraries choose their ways and isn't counted
            image = torch.zeros(samples, 3, *size, dtype=torch.uint8, device=device)
            params = {name: torch.from_numpy(d).expand(samples, *d.shape).to(device) for name, d in drawn.items()}
            labels = torch.zeros(samples, *size, dtype=torch.uint8, device=device)
            meter.reset()
            compute(image, params, labels)
            peaks.append(meter.peak())
            step.zero_grad(set_to_none=True)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        before.restore(step)
    return max(1, peaks[2] - peaks[1])


def _draw(step: Step, size: ImageSize) -> dict[str, FloatArray]:
    """Draw for the device transforms as for the first sample of a run."""
    rng, info = sample_generator(0, 0), SampleInfo(0, "", size, size, size)
    return {name: np.asarray(transform.draw(rng, info), np.float32) for name, transform in step.transforms.items()}
