"""The last step of a prediction, coarse logits -> classes at 1024x2048: ours against torch eager.

Writes results/last_step.json. Times are medians of interleaved rounds, in CPU milliseconds; memory is the growth of
the peak resident set over one call, each in a fresh process.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.kernels.upsample_argmax import upsample_argmax

SIZE = (1024, 2048)
CLASSES = 19
ROUNDS = 9


def main() -> None:
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        tail, coarse = TAILS[sys.argv[1]], random_logits(int(sys.argv[2]))
        print(peak_growth(lambda: tail(torch.randn(1, CLASSES, 8, 16), (64, 128)), lambda: tail(coarse, SIZE)))
        return
    # Memory first: a child's peak starts at the size of the process that started it.
    memory = {(name, stride): in_fresh_process(__file__, name, stride) for name in TAILS for stride in (8, 4)}
    results = []
    for kind, make in (("regions", scene_logits), ("random", random_logits)):
        for stride in (8, 4):
            coarse = make(stride)
            times = interleaved({name: lambda tail=tail, x=coarse: tail(x, SIZE) for name, tail in TAILS.items()})
            different = int((our_tail(coarse, SIZE) != torch_tail(coarse, SIZE)).sum())
            results.append(
                {
                    "logits": kind,
                    "stride": stride,
                    "computed_blocks": round(computed_blocks(coarse), 4),
                    "cpu_ms": times,
                    "speedup": round(times["torch"] / times["sceneseg"], 1),
                    "peak_mib": {name: memory[name, stride] for name in TAILS},
                    "different_pixels": different,
                }
            )
    write("last_step", results)


def torch_tail(coarse: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(coarse, size, mode="bilinear", align_corners=False).argmax(1)


def our_tail(coarse: Tensor, size: tuple[int, int]) -> Tensor:
    return upsample_argmax(coarse, size)


TAILS = {"torch": torch_tail, "sceneseg": our_tail}


def random_logits(stride: int, classes: int = CLASSES) -> Tensor:
    """Noise: hardly a block whose corners agree, the worst case."""
    generator = torch.Generator().manual_seed(0)
    return 5 * torch.randn(1, classes, SIZE[0] // stride, SIZE[1] // stride, generator=generator)


def scene_logits(stride: int) -> Tensor:
    """Logits as of a trained network: a label map, softened over two cells, with some noise."""
    one_hot = F.one_hot(torch.from_numpy(street()).long(), CLASSES).permute(2, 0, 1).unsqueeze(0).float()
    soft = F.avg_pool2d(one_hot, 2 * stride, stride, padding=stride // 2, count_include_pad=False)
    return 10 * soft + 0.3 * random_logits(stride) / 5


def street() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw a label map of street-like regions: sky, houses, trees, road, vehicles, poles, signs, people."""
    rng = np.random.default_rng(0)
    labels = np.full(SIZE, 10, np.uint8)
    for x in range(0, 2048, 128):
        cv2.rectangle(labels, (x, int(rng.integers(80, 400))), (x + 127, 640), 2, -1)
    for _ in range(30):
        center = (int(rng.integers(0, 2048)), int(rng.integers(250, 480)))
        cv2.ellipse(labels, center, (int(rng.integers(20, 160)), int(rng.integers(20, 120))), 0, 0, 360, 8, -1)
    cv2.fillPoly(labels, [np.array([(0, 600), (2047, 600), (2047, 1023), (0, 1023)])], 1)
    cv2.fillPoly(labels, [np.array([(850, 560), (1150, 560), (1900, 1023), (100, 1023)])], 0)
    for _ in range(45):
        x, y, size = int(rng.integers(0, 2048)), int(rng.integers(500, 700)), int(rng.integers(8, 110))
        kind = int(rng.choice([11, 12, 13, 13, 13, 14, 15, 17, 18]))
        cv2.ellipse(labels, (x, y), (size, int(size * rng.uniform(0.5, 1.5))), 0, 0, 360, kind, -1)
    for _ in range(25):
        x, top = int(rng.integers(0, 2048)), int(rng.integers(100, 400))
        cv2.rectangle(labels, (x, top), (x + int(rng.integers(4, 14)), 650), 5, -1)
        cv2.circle(labels, (x, top), int(rng.integers(8, 30)), int(rng.choice([6, 7])), -1)
    return labels


def computed_blocks(coarse: Tensor) -> float:
    """Return the share of blocks whose four corners don't agree."""
    winner = F.pad(coarse.argmax(1).float(), (0, 1, 0, 1), mode="replicate")
    corners = torch.stack([winner[:, y : y - 1 or None, x : x - 1 or None] for y in (0, 1) for x in (0, 1)])
    return float((corners != corners[0]).any(0).float().mean())


def interleaved(calls: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median CPU milliseconds of each call, after one round of warming up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            start = time.process_time()
            call()
            seconds[name].append(time.process_time() - start)
    return {name: round(1000 * median(times[1:]), 2) for name, times in seconds.items()}


def peak_growth(load: Callable[[], object], call: Callable[[], object]) -> float:
    """Return by how many MiB the process's peak grows over a call, once `load` has loaded what it needs."""
    load()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    call()
    return round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1)


def in_fresh_process(script: str, *arguments: object) -> float:
    """Run this script with arguments and return the number that it prints."""
    command = [sys.executable, script, *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def write(name: str, results: list[dict[str, Any]]) -> None:
    """Write results with the facts of the machine, and print them."""
    cpu = next(line.split(": ")[1] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line)
    machine = {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "torch_capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
    }
    file = Path(__file__).parent / "results" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"benchmark": name, "machine": machine, "results": results}, indent=1) + "\n")
    print(file.read_text())


if __name__ == "__main__":
    main()
