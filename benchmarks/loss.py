"""Cross-entropy at 1024x2048 from coarse logits, forward and backward: ours against torch eager.

Writes results/loss.json: medians of interleaved rounds, in CPU milliseconds on one thread; the memory that a step
needs at its peak; the error is that of the gradient against float64.

Run: python benchmarks/loss.py
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cyclopts
import numpy as np
import torch
import torch.nn.functional as F
from _measure import ratios, time_in_turns, write
from _streets import SIZE, noise_logits, street_labels
from torch import Tensor

from sceneseg.bench.memory import peak_growth
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.kernels.targets import make_targets
from sceneseg.kernels.upsample_cross_entropy import cross_entropy_in_bands

CASES = ((19, 8), (19, 4), (19, 1), (150, 8))  # classes, stride


def main(*, rounds: int = 5, quick: bool = False, json: Path | None = None) -> None:
    """Measure the loss.

    Args:
        rounds: Timed rounds.
        quick: A trial: one case, two rounds; printed, and written only where --json says.
        json: File to write, instead of results/loss.json.
    """
    rounds, cases = (2, CASES[:1]) if quick else (rounds, CASES)
    torch.set_num_threads(1)
    labels = torch.from_numpy(street_labels()).unsqueeze(0)
    results: list[dict[str, Any]] = []
    for classes, stride in cases:
        coarse = noise_logits(stride, classes)
        calls = {name: lambda n=name, x=coarse: step(n, x, labels) for name in STEPS}
        for call in calls.values():  # compiling isn't a step's memory
            call()
        memory = {name: peak_growth(call) for name, call in calls.items()}
        times = time_in_turns(f"loss, {classes} classes, stride {stride}", calls, rounds).cpu_ms
        exact = step("torch eager", coarse.double(), labels) if stride > 1 else None
        results.append(
            {
                "classes": classes,
                "stride": stride,
                "cpu_ms": times,
                "speedup": ratios(times, "torch eager"),
                "peak_mib": memory,
                "gradient_error": None if exact is None else {n: error(step(n, coarse, labels), exact) for n in STEPS},
            }
        )
    write("loss", {"rounds": rounds, "size": SIZE, "threads": 1}, results, json, quick)


def step(name: str, coarse: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of the summed loss."""
    return STEPS[name](coarse.requires_grad_(), labels)


def torch_step(coarse: Tensor, labels: Tensor) -> Tensor:
    size = labels.shape[1:]
    logits = F.interpolate(coarse, size, mode="bilinear", align_corners=False) if coarse.shape[2:] != size else coarse
    loss = F.cross_entropy(logits, labels.long(), ignore_index=255, reduction="sum")
    return torch.autograd.grad(loss, coarse)[0]


def bands_step(coarse: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        rows, columns = CoarseLogits(coarse).axes((labels.shape[1], labels.shape[2]), np.float64)
        targets = make_targets(coarse, None, 0.0, 255)
        return cross_entropy_in_bands(coarse, labels, targets, rows, columns, True)[2]  # type: ignore[return-value]


def tiles_step(coarse: Tensor, labels: Tensor) -> Tensor:
    return torch.autograd.grad(CoarseLogits(coarse).cross_entropy(labels)[0], coarse)[0]


STEPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "torch eager": torch_step,
    "sceneseg": tiles_step,
    "sceneseg, plain PyTorch in bands": bands_step,
}


def error(gradient: Tensor, exact: Tensor) -> float:
    return float(f"{float((gradient.double() - exact).norm() / exact.norm()):.1e}")


if __name__ == "__main__":
    cyclopts.run(main)
