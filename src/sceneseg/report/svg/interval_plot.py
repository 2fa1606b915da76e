"""Intervals in the rows of a table, all over one axis; drawn in per cent of the column, so that any width serves."""

from markupsafe import Markup

from sceneseg.report.formatting import percent
from sceneseg.report.run.run_reader import Plain
from sceneseg.report.svg.charts import ticks

MARGIN = 4.0
"""Part of the column, in %, that stays free at either end, for half a dot."""
TICKS = 3


def interval_plot(score: Plain, low: float, high: float, color: str, *, points: bool = False) -> Markup:
    """Draw a score and its interval, or a difference of scores and its interval beside a line at zero.

    Args:
        score: value, low and high as shares; without ends only the value is drawn.
        low: Left end of the axis.
        high: Right end.
        color: A CSS color.
        points: Whether it is a difference, in points.
    """
    drawn = [Markup('<i class="tick" style="left:{}"></i>').format(_x(tick, low, high)) for tick in _ticks(low, high)]
    if points:
        drawn.append(Markup('<i class="zero" style="left:{}"></i>').format(_x(0.0, low, high)))
    unit = "points" if points else "%"
    said = f"{percent(score['value'])} {unit}"
    if score["low"] is not None:
        said += f", 95 % interval {percent(score['low'])} to {percent(score['high'])} {unit}"
        line = Markup('<i class="whisker" style="left:{};right:calc(100% - {})"></i>')
        drawn.append(line.format(_x(score["low"], low, high), _x(score["high"], low, high)))
    drawn.append(Markup('<i class="mark" style="left:{}"></i>').format(_x(score["value"], low, high)))
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
