"""Columns of the ranking on a comparison's page: figures and intervals, and the command of each row's training."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sceneseg.report.comparison.candidates import Candidate
from sceneseg.report.comparison.differences import IntervalPlots
from sceneseg.report.comparison.figures import (
    GMACS,
    P50_MS,
    P95_MS,
    PARAMETERS,
    PEAK_MIB,
    STEPS,
    TRAINING_SECONDS,
    Figure,
)
from sceneseg.report.comparison.results import Files, RankedCandidate
from sceneseg.report.formatting import duration, milliseconds
from sceneseg.report.svg.interval_plot import interval_axis, interval_plot


@dataclass(frozen=True)
class Column:
    """A column of figures.

    Args:
        figure: The figure.
        title: Of the column.
        unit: Under the title.
        write: Writes the figure without its unit.
    """

    figure: Figure
    title: str
    unit: str
    write: Callable[[float], str]

    def value(self, row: RankedCandidate) -> float | None:
        """Return the figure of a row; None where it isn't known."""
        return self.figure.value(row)

    def cell(self, row: RankedCandidate) -> str:
        """Write the figure of a row."""
        value = self.figure.value(row)
        return "–" if value is None else self.write(value)

    def files(self, row: RankedCandidate) -> Files:
        """Return the files of a row's figure; why there is none where it isn't known."""
        return (row.no_latency,) if self.figure.value(row) is None else self.figure.files(row)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


COLUMNS = (
    Column(P50_MS, "Latency", "ms", milliseconds),
    Column(P95_MS, "p95", "ms", milliseconds),
    Column(PEAK_MIB, "Memory", "MiB", _whole),
    Column(PARAMETERS, "Parameters", "million", lambda value: f"{value / 1e6:.2f}"),
    Column(GMACS, "Cost", "GMACs", lambda value: f"{value:,.2f}" if value < 100 else _whole(value)),
    Column(TRAINING_SECONDS, "Training", "", duration),
    Column(STEPS, "Steps", "", _whole),
)


def columns(rows: Sequence[RankedCandidate]) -> list[Column]:
    """Return the columns of figures that any candidate has."""
    return [column for column in COLUMNS if any(column.value(row) is not None for row in rows)]


def intervals(rows: Sequence[RankedCandidate], colors: dict[str, str]) -> IntervalPlots | None:
    """Draw each candidate's interval over an axis that all share; None where no interval is known."""
    ends = [end for row in rows for end in row.mean_iou.ends or ()]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    room = max(0.06 * (high - low), 0.002)
    low, high = max(0.0, low - room), min(1.0, high + room)
    plots = {row.name: interval_plot(row.mean_iou, low, high, colors[row.name]) for row in rows}
    return IntervalPlots(interval_axis(low, high), plots)


def commands(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return the command that trains each candidate alone, by name; empty where its run is lost."""
    return {candidate.name: _command(candidate) for candidate in candidates}


def _command(candidate: Candidate) -> str:
    contents = candidate.first.contents
    return f"sceneseg train --config {shlex.quote(str(contents.run.config))}" if contents else ""
