"""Cross-entropy at 1024x2048 from coarse logits, forward and backward: ours against torch eager.

Writes results/loss.json. Times are medians of interleaved rounds, in CPU milliseconds; memory is the growth of the
peak resident set over one step, each in a fresh process. The error is that of the gradient against float64.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from last_step import in_fresh_process, interleaved, peak_growth, random_logits, street, write
from torch import Tensor

from sceneseg.kernels._grid import axes
from sceneseg.kernels.upsample_cross_entropy import cross_entropy_in_bands, make_targets, upsample_cross_entropy

CASES = ((19, 8), (19, 4), (19, 1), (150, 8))  # classes, stride
ROUNDS = 5


def main() -> None:
    torch.set_num_threads(1)
    labels = torch.from_numpy(street()).unsqueeze(0)
    if len(sys.argv) > 1:
        name, classes, stride = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        coarse = random_logits(stride, classes)
        small, few = torch.randn(1, classes, 4, 4), labels[:, :32, :32].contiguous()
        print(peak_growth(lambda: step(name, small, few), lambda: step(name, coarse, labels)))
        return
    # Memory first: a child's peak starts at the size of the process that started it.
    memory = {(name, *case): in_fresh_process(__file__, name, *case) for name in STEPS for case in CASES}
    results: list[dict[str, Any]] = []
    for classes, stride in CASES:
        coarse = random_logits(stride, classes)
        times = interleaved({name: lambda n=name, x=coarse: step(n, x, labels) for name in STEPS}, ROUNDS)
        exact = step("torch", coarse.double(), labels) if stride > 1 else None
        results.append(
            {
                "classes": classes,
                "stride": stride,
                "cpu_ms": times,
                "speedup": {name: round(times["torch"] / times[name], 2) for name in STEPS},
                "peak_mib": {name: memory[name, classes, stride] for name in STEPS},
                "gradient_error": None if exact is None else {n: error(step(n, coarse, labels), exact) for n in STEPS},
            }
        )
    write("loss", results)


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
        rows, columns = axes(coarse, (labels.shape[1], labels.shape[2]), None, False, np.float64)
        targets = make_targets(coarse, None, 0.0, 255)
        return cross_entropy_in_bands(coarse, labels, targets, rows, columns, True)[2]  # type: ignore[return-value]


def tiles_step(coarse: Tensor, labels: Tensor) -> Tensor:
    return torch.autograd.grad(upsample_cross_entropy(coarse, labels)[0], coarse)[0]


STEPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "torch": torch_step,
    "sceneseg": tiles_step,
    "sceneseg_bands": bands_step,
}


def error(gradient: Tensor, exact: Tensor) -> float:
    return float(f"{float((gradient.double() - exact).norm() / exact.norm()):.1e}")


if __name__ == "__main__":
    main()
