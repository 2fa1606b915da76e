"""Figures of a candidate other than scores: cost, latency and memory, each with the files that it comes from."""

from collections.abc import Callable
from dataclasses import dataclass

from sceneseg.records.latency import Latency
from sceneseg.report.comparison.results import Files, RankedCandidate


@dataclass(frozen=True)
class Figure:
    """A figure of a candidate.

    Args:
        key: In `comparison.json`.
        title: In the list of files; empty where it isn't listed.
        value: Of a candidate; None where it isn't known.
        files: That it comes from.
    """

    key: str
    title: str
    value: Callable[[RankedCandidate], float | None]
    files: Callable[[RankedCandidate], Files]


def _timed(key: str, title: str, read: Callable[[Latency], float | None]) -> Figure:
    def value(row: RankedCandidate) -> float | None:
        return None if row.latency is None else read(row.latency)

    return Figure(key, title, value, lambda row: row.sources.latency)


PARAMETERS = Figure("parameters", "Parameters", lambda row: row.cost.parameters, lambda row: row.sources.model)
GMACS = Figure("gmacs", "Cost", lambda row: row.cost.gmacs, lambda row: row.sources.model)
TRAINING_SECONDS = Figure(
    "training_seconds",
    "Training time",
    lambda row: row.cost.training_seconds,
    lambda row: row.sources.training_seconds,
)
STEPS = Figure("steps", "Steps", lambda row: row.cost.steps, lambda row: row.sources.history)
IMAGES_PER_SECOND = Figure(
    "images_per_second", "", lambda row: row.cost.images_per_second, lambda row: row.sources.history
)
P50_MS = _timed("p50_ms", "Latency", lambda latency: latency.p50_ms)
P95_MS = _timed("p95_ms", "p95", lambda latency: latency.p95_ms)
P25_MS = _timed("p25_ms", "", lambda latency: latency.p25_ms)
P75_MS = _timed("p75_ms", "", lambda latency: latency.p75_ms)
PEAK_MIB = _timed("peak_mib", "Memory", lambda latency: latency.peak_mib)

FIGURES = (PARAMETERS, GMACS, TRAINING_SECONDS, STEPS, IMAGES_PER_SECOND, P50_MS, P95_MS, P25_MS, P75_MS, PEAK_MIB)
"""In the order of `comparison.json`."""
