"""Intervals in the rows of a table, all over one axis."""

from markupsafe import Markup

from sceneseg.report.charts import px, ticks
from sceneseg.report.contents import Plain
from sceneseg.report.words import percent

WIDTH, HEIGHT, MARGIN = 170, 22, 6


def interval_plot(score: Plain, low: float, high: float, color: str) -> Markup:
    """Draw a score and its interval.

    Args:
        score: value, low and high, all in [0, 1]; without ends only the value is drawn.
        low: Left end of the axis.
        high: Right end.
        color: A CSS colour.
    """
    middle = HEIGHT / 2
    grid = Markup("").join(
        Markup('<path class="grid" d="M{} 0V{}"/>').format(px(_x(tick, low, high)), HEIGHT)
        for tick in ticks(low, high, 3)
    )
    line = Markup("")
    if score["low"] is not None:
        ends = px(_x(score["low"], low, high)), px(_x(score["high"], low, high))
        line = Markup('<path class="whisker" style="stroke:{}" d="M{} {}H{}"/>').format(color, ends[0], middle, ends[1])
    dot = Markup('<circle r="4.5" cx="{}" cy="{}" style="fill:{}"/>').format(
        px(_x(score["value"], low, high)), middle, color
    )
    said = f"{percent(score['value'])} %, 95 % interval {percent(score['low'])} to {percent(score['high'])} %"
    return Markup('<svg class="interval" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>').format(
        WIDTH, HEIGHT, said, grid, line, dot
    )


def interval_axis(low: float, high: float) -> Markup:
    """Write the figures of the axis, for the head of the column."""
    marks = Markup("").join(
        Markup('<text x="{}" y="13" text-anchor="middle">{:g}</text>').format(px(_x(tick, low, high)), 100 * tick)
        for tick in (round(t, 10) for t in ticks(low, high, 3))
    )
    return Markup('<svg class="interval" viewBox="0 0 {} 16" aria-hidden="true">{}</svg>').format(WIDTH, marks)


def _x(value: float, low: float, high: float) -> float:
    return MARGIN + (WIDTH - 2 * MARGIN) * (value - low) / (high - low)
