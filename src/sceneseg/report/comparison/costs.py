"""Costs of a comparison's candidates: plots of the scores over each cost in which they differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sceneseg.records.interval import Interval
from sceneseg.report.comparison.figures import GMACS, P50_MS, PARAMETERS, TRAINING_SECONDS, Figure
from sceneseg.report.comparison.results import ComparisonResults, RankedCandidate
from sceneseg.report.comparison.speed import are_alike
from sceneseg.report.formatting import count, duration, milliseconds, percent
from sceneseg.report.svg.scatter import Point, scatter

SIZE = (400, 300)
WORTH_DRAWING = 1.1
"""Ratio of the largest to the smallest cost: candidates that cost the same need no chart of it. Latencies, which are
measured, have a rule of their own (`speed`)."""


@dataclass(frozen=True)
class CostAxis:
    """A cost that scores are drawn over.

    Args:
        figure: The cost.
        name: Where it isn't drawn.
        title: Of the chart.
        unit: Under the axis.
        scale: The unit in that of the figure.
        write: Writes the figure with its unit.
    """

    figure: Figure
    name: str
    title: str
    unit: str
    scale: float
    write: Callable[[float], str]


AXES = (
    CostAxis(P50_MS, "Latency", "Mean IoU against latency", "ms for an image", 1.0, lambda v: f"{milliseconds(v)} ms"),
    CostAxis(
        *(PARAMETERS, "Size", "Against size", "million parameters", 1e6, lambda v: f"{' '.join(count(v))} parameters")
    ),
    CostAxis(GMACS, "Operations", "Against operations", "GMACs", 1.0, lambda v: f"{v:.3g} GMACs"),
    CostAxis(TRAINING_SECONDS, "Training", "Against training", "minutes of training", 60.0, duration),
)


@dataclass(frozen=True)
class CostChart:
    """Scores over a cost.

    Args:
        drawn: The plot.
        front: What its Pareto front is, a sentence.
    """

    drawn: Markup
    front: str


def charts(results: ComparisonResults, colors: dict[str, str]) -> list[CostChart]:
    """Draw scores over each cost in which the candidates differ."""
    drawn = [axis for axis in AXES if not _is_equal(results, axis.figure)]
    return [chart for axis in drawn if (chart := _chart(results.ranking.candidates, colors, axis))]


def equal_costs(results: ComparisonResults) -> list[tuple[str, str]]:
    """Return (name, value or range) of each cost that isn't drawn, as it is about the same for all."""
    found = []
    for axis in AXES:
        if _is_equal(results, axis.figure):
            values = [cost for _, cost in _known(results.ranking.candidates, axis.figure)]
            ends = dict.fromkeys((axis.write(min(values)), axis.write(max(values))))
            found.append((axis.name, " to ".join(ends)))
    return found


def _known(rows: Sequence[RankedCandidate], figure: Figure) -> list[tuple[RankedCandidate, float]]:
    return [(row, value) for row in rows if (value := figure.value(row))]


def _is_equal(results: ComparisonResults, figure: Figure) -> bool:
    """Whether a cost is about the same for all, by measurement or because it was the budget."""
    known = _known(results.ranking.candidates, figure)
    if figure is P50_MS:
        return are_alike([row for row, _ in known])
    values = [value for _, value in known]
    given = figure is TRAINING_SECONDS and results.budget is not None and results.budget.kind == "time"
    return len(values) > 1 and (given or max(values) < WORTH_DRAWING * min(values))


def _chart(rows: Sequence[RankedCandidate], colors: dict[str, str], axis: CostAxis) -> CostChart | None:
    """Draw scores over a cost, and say what its front is."""
    known = _known(rows, axis.figure)
    if len(known) < 2:
        return None
    points, cheapest = [], float("inf")
    for row, value in known:  # from the most accurate on
        cost = value / axis.scale
        text = f"{row.name}: {_with_interval(row.mean_iou)}, {axis.write(value)}"
        points.append(Point(row.name, cost, row.mean_iou, colors[row.name], cost < cheapest, text))
        cheapest = min(cheapest, cost)
    ahead = [point.name for point in points if point.front]
    front = "Filled dots lie on the Pareto front, the dashed line: nobody is both cheaper and more accurate."
    if len(ahead) == 1:
        front = f"{ahead[0]} is ahead in both, so it is the whole Pareto front."
    return CostChart(scatter(points, title=axis.title, x_name=axis.unit, size=SIZE), front)


def _with_interval(score: Interval) -> str:
    ends = f" ({percent(score.low)}–{percent(score.high)})" if score.ends else ""
    return f"{percent(score.value)} %{ends}"
