"""The differences of a comparison for its page: every pair in words, and those from the best as a picture."""

from collections.abc import Sequence
from typing import NamedTuple

from sceneseg.report.run.run_reader import Plain
from sceneseg.report.svg.interval_plot import interval_axis, interval_plot


class Difference(NamedTuple):
    """How far one candidate is above another, in words, and whether that is real."""

    points: str
    interval: str
    real: bool


def in_both_directions(pairs: Sequence[Plain]) -> dict[tuple[str, str], Difference]:
    """Return every pair in both directions."""
    found = {}
    for pair in pairs:
        a, b, real = pair["better"], pair["worse"], pair["real"]
        found[a, b] = Difference(_points(pair["difference"]), _span(pair["low"], pair["high"]), real)
        found[b, a] = Difference(_points(-pair["difference"]), _span(-pair["high"], -pair["low"]), real)
    return found


def from_best(rows: Sequence[Plain], pairs: Sequence[Plain], colors: dict[str, str]) -> Plain | None:
    """Draw how far every other candidate is from the best, each with the interval of that difference."""
    behind = {p["worse"]: p for p in pairs if p["better"] == rows[0]["name"]} if rows else {}
    if not behind:
        return None
    turned = {n: {"value": -p["difference"], "low": -p["high"], "high": -p["low"]} for n, p in behind.items()}
    ends = [0.0, *(v for found in turned.values() for v in found.values())]
    room = max(0.04 * (max(ends) - min(ends)), 0.001)
    low, high = min(ends) - room, max(ends) + room
    plots = {name: interval_plot(found, low, high, colors[name], points=True) for name, found in turned.items()}
    return {"axis": interval_axis(low, high), "plots": plots}


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _span(low: float, high: float) -> str:
    return f"{100 * low:.1f} … {100 * high:.1f}".replace("-", "−")
