"""Latencies of a comparison's candidates: whole predictions of all in turns, if that isn't done yet."""

from collections.abc import Callable, Mapping

from sceneseg.arrays import ImageSize
from sceneseg.bench.images import street_images
from sceneseg.bench.latency import interleaved
from sceneseg.errors import RunError, reason_of
from sceneseg.fetching.checks import file_sha256
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.inference.predictor import SemanticModel
from sceneseg.progress import OnStep, silent
from sceneseg.records.environment import environment
from sceneseg.records.latency import LatencyRecord, TimedWeights, read_latency, write_latency
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory


def weights_of(
    comparison: ComparisonDirectory, runs: Mapping[str, tuple[str, RunDirectory]]
) -> dict[str, TimedWeights]:
    """Return the runs whose predictions can be timed, with the weights; latencies measured with others are removed.

    Args:
        comparison: Where latencies are.
        runs: Name of the candidate -> folder in the plan and run.
    """
    weights = {
        name: TimedWeights(folder, file_sha256(run.best, ProgressReporter())) for name, (folder, run) in runs.items()
    }
    if (known := _measured(comparison)) is None or known.weights != weights:
        comparison.latency.unlink(missing_ok=True)
    return weights


def time_candidates(
    comparison: ComparisonDirectory,
    weights: dict[str, TimedWeights],
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
    known = _measured(comparison)
    if not weights or (known and known.answers(size, repetitions, device, weights)):
        return
    models: dict[str, SemanticModel] = {}
    failed = {}
    for name, about in weights.items():
        try:
            model = SemanticModel.load(comparison.run(about.folder).path, device)
            model.predict(street_images(size)[0])
        except Exception as error:  # of any network, on any device: the others are timed
            failed[name] = reason_of(error)
            say(f"{name} can't be timed: {failed[name]}")
        else:
            models[name] = model
    timings = interleaved(models, size, repetitions, progress=on_step)
    used = str(next(iter(models.values())).device) if models else device
    record = LatencyRecord(size, repetitions, used, timings, environment(), device, weights, failed)
    write_latency(comparison, record)


def _measured(comparison: ComparisonDirectory) -> LatencyRecord | None:
    """Return what was timed before; None where nothing was, or it is damaged and has to be timed again."""
    try:
        return read_latency(comparison)
    except RunError:
        return None
