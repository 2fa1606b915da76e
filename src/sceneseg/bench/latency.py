"""Latency of a prediction: from an image in memory to the class of every pixel."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from sceneseg.arrays import ImageArray, ImageSize
from sceneseg.bench.images import street_images
from sceneseg.bench.memory import peak_growth
from sceneseg.inference.predictor import SemanticModel
from sceneseg.progress import OnStep, silent
from sceneseg.records.latency import Latency


def summarize(seconds: Sequence[float], peak_mib: float | None = None) -> Latency:
    """Summarize the seconds of each repetition.

    Args:
        seconds: One or more.
        peak_mib: Memory that a prediction needs in addition to the loaded model, MiB.

    Example:
        >>> summarize([0.010, 0.011, 0.012]).p50_ms
        11.0
    """
    p25, p50, p75, p95 = (round(float(p), 3) for p in np.percentile(np.asarray(seconds) * 1000, (25, 50, 75, 95)))
    return Latency(p50, p95, peak_mib, len(seconds), p25, p75)


def whole_prediction(model: SemanticModel, size: ImageSize, repetitions: int = 20, warmup: int = 3) -> Latency:
    """Time predictions of one image: uint8 image in memory in, labels of its size out.

    Args:
        model: A loaded model, on the device that is measured.
        size: (height, width) of the image, in pixels.
        repetitions: Timed predictions.
        warmup: Predictions before that; the first ones compile kernels and fill caches.
    """
    return interleaved({"": model}, size, repetitions, warmup)[""]


def interleaved(
    models: Mapping[str, SemanticModel],
    size: ImageSize,
    repetitions: int = 20,
    warmup: int = 3,
    progress: OnStep = silent,
) -> dict[str, Latency]:
    """Time whole predictions of several models in turns, so that a slower minute of the machine hits all alike.

    Args:
        models: Loaded models by name.
        size: (height, width) of the image, in pixels.
        repetitions: Timed predictions of each.
        warmup: Predictions of each before that.
        progress: Called with the numbers of predictions done and in all.
    """
    image = street_images(size)[0]
    calls: dict[str, Callable[[], object]] = {name: _call(model, image) for name, model in models.items()}
    devices = {name: model.device for name, model in models.items()}
    for call in calls.values():  # what is loaded at first use isn't a prediction's memory
        call()
    memory = {name: peak_growth(call, devices[name]) for name, call in calls.items()}
    synchronize = wait_for_cuda if any(device.type == "cuda" for device in devices.values()) else None
    seconds = in_turns(calls, repetitions, warmup, synchronize, progress)
    return {name: summarize(times, memory[name]) for name, times in seconds.items()}


def in_turns(
    calls: Mapping[str, Callable[[], object]],
    repetitions: int,
    warmup: int = 1,
    synchronize: Callable[[], object] | None = None,
    progress: OnStep = silent,
) -> dict[str, list[float]]:
    """Return the seconds of each repetition of each call; every round calls each once, in changing order.

    Args:
        calls: What is timed, by name.
        repetitions: Timed rounds.
        warmup: Rounds before that.
        synchronize: Waits until a device has finished what a call has begun.
        progress: Called with the numbers of calls done and in all.
    """
    names = list(calls)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    total = (warmup + repetitions) * len(names)
    for turn in range(warmup + repetitions):
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]  # nobody always follows the same neighbor's leftovers
            taken = _time(calls[name], synchronize)
            if turn >= warmup:
                seconds[name].append(taken)
            progress(turn * len(names) + i + 1, total)
    return seconds


def wait_for_cuda() -> None:
    """Wait until the GPU has done what it was given."""
    torch.cuda.synchronize()


def _call(model: SemanticModel, image: ImageArray) -> Callable[[], Any]:
    return lambda: model.predict(image).labels


def _time(call: Callable[[], object], synchronize: Callable[[], object] | None) -> float:
    collecting = gc.isenabled()
    gc.disable()  # collecting somebody's garbage isn't the call's work
    try:
        if synchronize is not None:
            synchronize()
        start = time.perf_counter()
        call()
        if synchronize is not None:
            synchronize()
        return time.perf_counter() - start
    finally:
        if collecting:
            gc.enable()
