"""`benchmark`: how fast models predict on this machine, engine by engine."""

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any

from sceneseg.api.progress import OnProgress, Progress, ignore
from sceneseg.arrays import ImageArray, ImageSize
from sceneseg.bench import session
from sceneseg.bench.candidates import choose_engines, make_candidates, needed_files, with_engines
from sceneseg.bench.images import street_images
from sceneseg.bench.job import Candidate
from sceneseg.bench.record import SCHEMA, Record, Result, Settings
from sceneseg.devices import resolve_device
from sceneseg.errors import ScenesegError
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.scoring import open_scenes
from sceneseg.export.plan import make_plan
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records.environment import environment
from sceneseg.records.targets import check_targets
from sceneseg.records.temporaries import temporary_folder

CALIBRATION = 8  # images
PathOrPaths = str | PathLike[str] | Sequence[str | PathLike[str]]


def benchmark(
    models: str | Sequence[str] = (),
    weights: PathOrPaths = (),
    *,
    engines: str | Sequence[str] = (),
    sizes: Sequence[ImageSize] = ((1024, 2048),),
    batches: Sequence[int] = (1,),
    threads: int | None = None,
    device: str = "auto",
    repetitions: int = 20,
    warmup: int = 3,
    seconds: float = 30.0,
    json: str | PathLike[str] | None = None,
    on_progress: OnProgress = ignore,
) -> Record:
    """Measure latency, throughput, memory, loading and start-up of models on this machine.

    Every candidate has a process of its own; the candidates take turns, so that a slower minute hits all alike. Whole
    predictions go from uint8 images in memory to the labels of their pixels.

    Args:
        models: Untrained models by name; 19 classes.
        weights: Run directories and weights files.
        engines: Names such as eager, sceneseg, openvino; all that compute here when empty.
        sizes: (height, width) in pixels of the images.
        batches: Images at once.
        threads: Threads of each engine on the CPU; all cores when absent.
        device: auto, cpu or cuda.
        repetitions: Timed predictions of each candidate.
        warmup: Untimed ones before.
        seconds: A candidate whose turns have taken so long repeats no more, once it has had three.
        json: Also write the record to this file.
        on_progress: Called on the way, and with a message for each engine that is left out.

    Returns:
        The measurement: `results` has one entry for each candidate, engine, size and batch; with an `error` in place of
        times where it couldn't be measured.

    Raises:
        ConfigError: There is nothing to measure, or none of the engines computes here.
        RunError: There are no weights.

    Example:
        >>> import sceneseg
        >>> record = sceneseg.benchmark("fast_scnn", engines="eager", sizes=[(32, 64)], device="cpu", repetitions=1)
        >>> [(result.name, result.engine, result.whole.p50_ms > 0) for result in record.results]
        [('fast_scnn', 'eager', True)]
    """
    target = None if json is None else Path(json)
    check_targets(target)
    device = resolve_device(device)
    files = [weights] if isinstance(weights, str | PathLike) else weights
    candidates = make_candidates(_names(models), [Path(file) for file in files])
    chosen = choose_engines(_names(engines), device, lambda text: on_progress(Progress(message=text)))
    settings = Settings(repetitions, warmup, seconds)
    results: list[Result] = []
    with temporary_folder("sceneseg-bench") as folder:
        pairs = []
        needed = needed_files(chosen)
        for number, candidate in enumerate(candidates):
            if needed:
                on_progress(Progress("exporting models for the engines that read files", number, len(candidates)))
                candidate = _export(candidate, needed, folder / str(number))
            pairs += with_engines(candidate, chosen)
        for size, batch in product(sizes, batches):
            results += session.measure(
                pairs,
                size,
                batch,
                device,
                threads or _cores(),
                settings,
                lambda what, done, total: on_progress(Progress(what, done, total)),
            )
    record = Record(SCHEMA, environment(), settings, results)
    if target is not None:
        record.write(target)
    return record


def _names(given: str | Sequence[str]) -> list[str]:
    words = [given] if isinstance(given, str) else given
    return [name for word in words for name in word.split(",") if name]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _export(model: Candidate, contents: set[str], folder: Path) -> Candidate:
    """Write the ONNX files of a model into its folder, whole and ending at the coarse logits; or say why not."""
    import onnx as package

    from sceneseg.bench.engines.torch_engine import load
    from sceneseg.export import onnx

    files: dict[str, str] = {}
    calibration = None
    folder.mkdir()
    try:
        loaded = load(model, "cpu")
        bodies: dict[str, package.ModelProto] = {}
        for content in sorted(contents):
            engine, _, precision = content.rpartition("/")
            plans = [make_plan(loaded, output, precision, None, engine) for output in ("labels", "coarse")]
            if precision not in bodies:
                images: list[Any] = []
                if precision == "int8":
                    images, calibration = _calibration(model)
                bodies[precision] = onnx.translate(loaded, plans[0], images)
            for plan, ending in zip(plans, ("", "_coarse"), strict=True):
                file = folder / f"{content.replace('/', '_')}{ending}.onnx"
                package.save(onnx.finish(bodies[precision], loaded, plan), file)
                files[content + ending] = str(file)
    except ScenesegError as error:
        return replace(model, not_exported=str(error))
    return replace(model, files=files, calibration=calibration)


def _calibration(model: Candidate) -> tuple[list[ImageArray], str]:
    """Return the images from which int8 learns its ranges, and what they are."""
    if model.weights is not None:
        try:
            loaded = SemanticModel.load(Path(model.weights), "cpu")
            scenes = open_scenes(Request(None, None, "train"), loaded, Path(model.weights))
            chosen = range(0, len(scenes), max(len(scenes) // CALIBRATION, 1))[:CALIBRATION]
            return [scenes.read(i).image for i in chosen], f"{len(chosen)} training images"
        except ScenesegError:
            pass  # the data isn't here; said by the other answer, which stands in the record
    return list(street_images((512, 1024), CALIBRATION)), f"{CALIBRATION} drawn streets"
