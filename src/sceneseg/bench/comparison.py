"""Latencies of a comparison's candidates: whole predictions of all in turns, if that isn't done yet."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from sceneseg.arrays import ImageSize
from sceneseg.bench.images import street_images
from sceneseg.bench.latency import interleaved
from sceneseg.errors import RunError, reason_of
from sceneseg.fetching.checks import file_sha256
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.inference.predictor import SemanticModel
from sceneseg.progress import OnStep, silent
from sceneseg.records.comparison_plan import read_latency
from sceneseg.records.environment import environment
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory, write_json


def weights_of(comparison: ComparisonDirectory, runs: Mapping[str, tuple[str, RunDirectory]]) -> dict[str, Any]:
    """Return whose predictions can be timed, with the weights; latencies measured with others are removed.

    Args:
        comparison: Where latencies are.
        runs: Name of the candidate -> folder in the plan and run.
    """
    weights = {
        name: {"folder": folder, "sha256": file_sha256(run.best, ProgressReporter())}
        for name, (folder, run) in runs.items()
    }
    if (_measured(comparison) or {}).get("weights") != weights:
        comparison.latency.unlink(missing_ok=True)
    return weights


def time_candidates(
    comparison: ComparisonDirectory,
    weights: dict[str, Any],
    device: str,
    size: ImageSize,
    repetitions: int,
    say: Callable[[str], object],
    on_step: OnStep = silent,
) -> None:
    """Time whole predictions of all candidates in turns, if that isn't done yet.

    Args:
        comparison: Where latencies are written.
        weights: What `weights_of` returned.
        device: Where networks run.
        size: (height, width) in pixels of the image.
        repetitions: Timed predictions of each.
        say: Is called with a sentence for each candidate that can't be timed.
        on_step: Is called after each round.
    """
    asked = {"size": list(size), "repetitions": repetitions, "asked_device": device, "weights": weights}
    known = _measured(comparison) or {}
    if not weights or all(known.get(key) == value for key, value in asked.items()):
        return
    models: dict[str, SemanticModel] = {}
    failed = {}
    for name, about in weights.items():
        try:
            model = SemanticModel.load(comparison.run(about["folder"]).path, device)
            model.predict(street_images(size)[0])
        except Exception as error:  # of whatever network, on whatever device: the others are timed
            failed[name] = reason_of(error)
            say(f"{name} can't be timed: {failed[name]}")
        else:
            models[name] = model
    timings = interleaved(models, size, repetitions, progress=on_step)
    measured = {name: asdict(timing) for name, timing in timings.items()}
    used = str(next(iter(models.values())).device) if models else device
    facts = {**asked, "device": used, "models": measured, "failed": failed, "environment": environment()}
    write_json(comparison.latency, facts)


def _measured(comparison: ComparisonDirectory) -> dict[str, Any] | None:
    """Return what was timed before; None where nothing was, or it is damaged and has to be timed again."""
    try:
        return read_latency(comparison)
    except RunError:
        return None
