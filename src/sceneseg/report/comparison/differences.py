"""Differences of a comparison for its page: every pair in words, and those from the best as a plot."""

from dataclasses import dataclass

from markupsafe import Markup

from sceneseg.records.interval import Interval
from sceneseg.report.comparison.results import Difference, Ranking
from sceneseg.report.svg.interval_plot import interval_axis, interval_plot


@dataclass(frozen=True)
class WrittenDifference:
    """Difference between two candidates, in words.

    Args:
        points: Of mean IoU.
        interval: Its ends.
        is_real: Whether the interval lies on one side of zero.
    """

    points: str
    interval: str
    is_real: bool


@dataclass(frozen=True)
class IntervalPlots:
    """Intervals in the rows of a table, over one axis.

    Args:
        axis: Its figures, for the head of the column.
        plots: By name of the candidate.
    """

    axis: Markup
    plots: dict[str, Markup]


def in_both_directions(differences: tuple[Difference, ...]) -> dict[tuple[str, str], WrittenDifference]:
    """Return every pair in both directions."""
    found = {}
    for pair in differences:
        found[pair.better, pair.worse] = _written(pair.lead, pair.is_real)
        found[pair.worse, pair.better] = _written(-pair.lead, pair.is_real)
    return found


def from_best(ranking: Ranking, colors: dict[str, str]) -> IntervalPlots | None:
    """Draw how far every other candidate is from the best, each with the interval of that difference."""
    turned = {name: -difference.lead for name, difference in ranking.behind_best.items()}
    if not turned:
        return None
    ends = [0.0, *(value for lead in turned.values() for value in (lead.value, *(lead.ends or ())))]
    room = max(0.04 * (max(ends) - min(ends)), 0.001)
    low, high = min(ends) - room, max(ends) + room
    plots = {name: interval_plot(lead, low, high, colors[name], points=True) for name, lead in turned.items()}
    return IntervalPlots(interval_axis(low, high), plots)


def _written(lead: Interval, is_real: bool) -> WrittenDifference:
    low, high = lead.ends or (lead.value, lead.value)
    points, interval = f"{100 * lead.value:+.1f}", f"{100 * low:.1f} … {100 * high:.1f}"
    return WrittenDifference(points.replace("-", "−"), interval.replace("-", "−"), is_real)
