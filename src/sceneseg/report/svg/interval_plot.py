"""Interval plots for the rows of a table, all over one axis; drawn in % of the column, so that any width serves."""

from markupsafe import Markup

from sceneseg.records.interval import Interval
from sceneseg.report.formatting import percent
from sceneseg.report.svg.charts import ticks

MARGIN = 4.0
"""Part of the column, in %, that stays free at either end, for half a dot."""
TICKS = 3


def interval_plot(score: Interval, low: float, high: float, color: str, *, points: bool = False) -> Markup:
    """Draw a score and its interval, or a difference of scores and its interval next to a line at zero.

    Args:
        score: In [0, 1], or a difference of such scores; without ends only the value is drawn.
        low: Left end of the axis.
        high: Right end.
        color: A CSS color.
        points: Whether it is a difference, in points.

    Example:
        >>> "47.0 %, 95 % interval 40.0 to 55.0 %" in interval_plot(Interval(0.47, 0.4, 0.55), 0.3, 0.6, "red")
        True
    """
    drawn = [Markup('<i class="tick" style="left:{}"></i>').format(_x(tick, low, high)) for tick in _ticks(low, high)]
    if points:
        drawn.append(Markup('<i class="zero" style="left:{}"></i>').format(_x(0.0, low, high)))
    unit = "points" if points else "%"
    said = f"{percent(score.value)} {unit}"
    if score.ends is not None:
        left, right = score.ends
        said += f", 95 % interval {percent(left)} to {percent(right)} {unit}"
        line = Markup('<i class="whisker" style="left:{};right:calc(100% - {})"></i>')
        drawn.append(line.format(_x(left, low, high), _x(right, low, high)))
    drawn.append(Markup('<i class="mark" style="left:{}"></i>').format(_x(score.value, low, high)))
    return Markup('<div class="interval" role="img" aria-label="{}" style="--own:{}">{}</div>').format(
        said.replace("-", "−"), color, Markup("").join(drawn)
    )


def interval_axis(low: float, high: float) -> Markup:
    """Write the figures of the axis, for the head of the column."""
    marks = Markup("").join(
        Markup('<span style="left:{}">{}</span>').format(_x(tick, low, high), f"{100 * tick:g}".replace("-", "−"))
        for tick in _ticks(low, high)
    )
    return Markup('<div class="interval axis" aria-hidden="true">{}</div>').format(marks)


def _ticks(low: float, high: float) -> list[float]:
    return [round(tick, 10) for tick in ticks(low, high, TICKS)]


def _x(value: float, low: float, high: float) -> str:
    return f"{MARGIN + (100 - 2 * MARGIN) * (value - low) / (high - low):.2f}%"
