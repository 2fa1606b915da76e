"""Prediction at 1024x2048: the last step alone, and the whole of it with every engine.

Writes results/prediction.json: medians of interleaved rounds, with one thread and with all cores.

- The last step, coarse logits -> classes: ours against torch eager (bilinear interpolation, then argmax) from stride 8
  and 4, for logits as of a trained network on a street and for noise, the worst case. On a CPU both must give the same
  class for every pixel, else nothing is written. The memory is what a call needs at its peak.
- The whole prediction, image in (uint8), classes out (uint8): `sceneseg bench` with all engines that compute here.
  The engine "sceneseg" is what `sceneseg predict` does, "sceneseg_openvino" what it does with --engine openvino; the
  others compute exported files or plain torch. Without --weights the network is untrained: that tells speed, and equal
  pixels mean nothing for int8.

Run: python benchmarks/prediction.py --weights runs/demo/fast_scnn
"""

import dataclasses
from pathlib import Path
from typing import Any

import cyclopts
import torch
import torch.nn.functional as F
from _measure import ratios, require, time_in_turns, write
from _streets import SIZE, noise_logits, street_labels, street_logits
from torch import Tensor

from sceneseg.api.benchmark import benchmark
from sceneseg.bench.memory import peak_growth
from sceneseg.bench.table import ratio
from sceneseg.kernels.grid import CoarseLogits

STRIDES = (8, 4)


def main(
    *,
    weights: Path | None = None,
    model: str = "fast_scnn",
    rounds: int = 9,
    device: str = "cpu",
    quick: bool = False,
    json: Path | None = None,
) -> None:
    """Measure prediction.

    Args:
        weights: Run or weights file of the whole prediction; an untrained model when absent.
        model: That model's name.
        rounds: Timed rounds.
        device: cpu or cuda.
        quick: A trial: two rounds, three engines; printed, and written only where --json says.
        json: File to write, instead of results/prediction.json.
    """
    rounds = 2 if quick else rounds
    cores = torch.get_num_threads()
    threads = sorted({1, cores}) if device == "cpu" else [cores]
    results = {
        "last_step": [case for n in threads for case in measure_last_step(n, rounds, device)],
        "whole": [row for n in threads for row in measure_whole(weights, model, n, rounds, device, quick)],
    }
    settings = {"size": SIZE, "rounds": rounds, "device": device, "model": model, "trained": weights is not None}
    write("prediction" if device == "cpu" else f"prediction-{device}", settings, results, json, quick)


def torch_last_step(coarse: Tensor) -> Tensor:
    return F.interpolate(coarse, SIZE, mode="bilinear", align_corners=False).argmax(1)


def our_last_step(coarse: Tensor) -> Tensor:
    return CoarseLogits(coarse).argmax(SIZE)


LAST_STEPS = {"torch eager": torch_last_step, "sceneseg": our_last_step}


def measure_last_step(threads: int, rounds: int, device: str) -> list[dict[str, Any]]:
    """Compare and time the last step for all kinds of logits."""
    torch.set_num_threads(threads)
    labels, results = street_labels(), []
    for kind in ("street", "noise"):
        for stride in STRIDES:
            coarse = (street_logits(labels, stride) if kind == "street" else noise_logits(stride)).to(device)
            calls = {name: lambda step=step, x=coarse: step(x) for name, step in LAST_STEPS.items()}
            different = int((our_last_step(coarse) != torch_last_step(coarse)).sum())
            require(not different or device != "cpu", f"{different} pixels differ ({kind}, stride {stride})")
            memory = {name: peak_growth(call, device) for name, call in calls.items()}
            times = time_in_turns(f"last step, {kind}, stride {stride}", calls, rounds, device)
            one_thread = threads == 1 and device == "cpu"
            results.append(
                {
                    "logits": kind,
                    "stride": stride,
                    "threads": threads,
                    "computed_blocks": round(computed_blocks(coarse), 4),
                    "different_pixels": different,
                    "wall_ms": times.wall_ms,
                    "cpu_ms": times.cpu_ms,
                    "speedup": ratios(times.cpu_ms if one_thread else times.wall_ms, "torch eager"),
                    "peak_mib": memory,
                }
            )
    return results


def computed_blocks(coarse: Tensor) -> float:
    """Return the share of blocks between four cells that don't agree: those that are computed pixel by pixel."""
    winner = F.pad(coarse.argmax(1).float(), (0, 1, 0, 1), mode="replicate")
    corners = torch.stack([winner[:, y : y - 1 or None, x : x - 1 or None] for y in (0, 1) for x in (0, 1)])
    return float((corners != corners[0]).any(0).float().mean())


def measure_whole(
    weights: Path | None, model: str, threads: int, rounds: int, device: str, quick: bool
) -> list[dict[str, Any]]:
    """Let `sceneseg.benchmark` measure; return its results, each with its ratio to eager torch."""
    results = benchmark(
        () if weights else model,
        weights or (),
        engines=("eager", "sceneseg", "sceneseg_openvino") if quick else (),
        sizes=[SIZE],
        threads=threads,
        device=device,
        repetitions=2 * rounds,
    ).results
    times = [ratio(result, results) for result in results]
    rows = [dataclasses.asdict(result) for result in results]
    return [row | {"speedup": None if x is None else round(x, 2)} for row, x in zip(rows, times, strict=True)]


if __name__ == "__main__":
    cyclopts.run(main)
