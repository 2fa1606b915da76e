"""Charts as inline SVG: bars, curves and heat maps that take the page's colors and answer the pointer.

Colors are CSS variables of the page, so that one drawing serves light and dark. What `page.js` shows under the
pointer or the arrow keys lies ready in `data-` attributes; without a script the drawing and its caption remain.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from sceneseg.report.formatting import number, percent

MAX_POINTS = 500
"""A curve of more points is thinned out: a screen has no more columns to show."""
HEAT_LEVELS = 32
LABEL_WIDTH = 130
CHARACTER_WIDTH = 6.6
"""Mean width of a character at the charts' 12 px, for what must be known before a browser measures it."""


@dataclass(frozen=True)
class Bar:
    """Row of a bar chart; a value of None is a row without a bar."""

    label: str
    value: float | None
    color: str = "var(--accent)"


@dataclass(frozen=True)
class Curve:
    """Line of a line chart: x ascending, a gap where y is not finite.

    Dots stand for values that should lie on another line; the read-out names them only where they don't.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    color: str = "var(--accent)"
    dots: bool = False


def bar_chart(bars: Sequence[Bar], *, title: str, note: str = "") -> Markup:
    """Draw horizontal bars over the fixed range 0 to 100 %, in the order given.

    Args:
        bars: The rows; values in [0, 1].
        title: What the values are.
        note: Text next to the title.

    Returns:
        A ``<figure>``.
    """
    width, row, right = 400, 20, 44
    left = _label_room([b.label for b in bars])
    full = width - left - right
    drawn = [
        Markup(
            '<text class="name" x="{}" y="{}" text-anchor="end">{}</text>'
            '<rect class="track" x="{}" y="{}" width="{}" height="12" rx="2"/>'
        ).format(px(left - 8), px(y + 14), _shorten(b.label), px(left), px(y + 4), px(full))
        + (
            Markup('<rect class="bar" x="{}" y="{}" width="{}" height="12" rx="2" style="fill:{}"/>').format(
                px(left), px(y + 4), px(full * min(max(b.value, 0), 1)), b.color
            )
            if b.value is not None
            else Markup("")
        )
        + Markup('<text class="value" x="{}" y="{}" text-anchor="end">{}</text>').format(
            width, px(y + 14), percent(b.value)
        )
        for b, y in ((b, i * row) for i, b in enumerate(bars))
    ]
    summary = f"{title}: " + ", ".join(f"{b.label} {percent(b.value)}" for b in bars)
    svg = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        width, max(len(bars) * row, 1), summary, Markup("").join(drawn)
    )
    return figure("bars", title, note, svg)


def line_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    x_name: str,
    x_unit: str = "",
    note: str = "",
    in_percent: bool = False,
    x_range: tuple[float, float] | None = None,
) -> Markup:
    """Draw curves over a common x axis, with ticks, a zero line and a read-out that follows the pointer.

    Args:
        curves: The lines; the read-out stops at every x of any of them.
        title: What the values are.
        x_name: What x is, "epoch".
        x_unit: Stands behind x in the read-out, " %".
        note: Text next to the title until the pointer comes.
        in_percent: Whether values are shares in [0, 1] that are written in %.
        x_range: The ends of the x axis, so that charts in a row agree; those of the curves when absent.

    Returns:
        A ``<figure>``.
    """
    curves = [_thin(c) for c in curves]
    frame = _Frame.around(curves, x_range)
    grid = [
        Markup('<path class="grid" d="M{} {}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>').format(
            frame.left, px(frame.y(v)), frame.right, frame.left - 7, px(frame.y(v) + 4), _short(v, in_percent)
        )
        for v in ticks(frame.y_low, frame.y_high)
    ] + [
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(px(frame.x(v)), frame.bottom + 18, f"{v:g}")
        for v in ticks(frame.x_low, frame.x_high, whole=True)
    ]
    lines = [
        Markup('<path class="{}" style="stroke:{}" d="{}"/>').format(
            "curve dots" if c.dots else "curve", c.color, frame.path(c)
        )
        for c in curves
    ]
    dots = [Markup('<circle class="dot" r="4" style="fill:{}"/>').format(c.color) for c in curves]
    points = _readings(curves, frame, x_name, x_unit, in_percent)
    svg = Markup(
        '<svg viewBox="0 0 {} {}" role="img" tabindex="0" aria-label="{}" data-range="{:g} {:g}" data-points="{}">{}'
        '<path class="rule" d="M0 {}V{}"/>{}</svg>'
    ).format(
        frame.width,
        frame.height,
        f"{title} by {x_name}" + (f", {note}" if note else ""),
        frame.x_low,
        frame.x_high,
        json.dumps(points, separators=(",", ":")),
        Markup("").join(grid + lines),
        frame.top,
        frame.bottom,
        Markup("").join(dots),
    )
    return figure("lines" if note or len(curves) == 1 else "lines many", title, note, svg)


def heat_map(
    shares: npt.NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], *, title: str, note: str = ""
) -> Markup:
    """Draw a matrix of shares in [0, 1] as squares of one color; the root of a share is how opaque its square is.

    The root makes mistakes of a few per cent visible next to a diagonal near 100; nothing is drawn below 0.5 %.

    Args:
        shares: (R, C), rows are truths and columns predictions.
        rows: R names.
        columns: C names.
        title: What the matrix is.
        note: Text next to the title until the pointer comes.

    Returns:
        A ``<figure>``.
    """
    shares = np.nan_to_num(shares)
    cell = int(min(max(520 / max(shares.shape), 4), 34))
    named = cell >= 13
    left, top = (_label_room(names) if named else 1 for names in (rows, columns))
    width, height = left + cell * len(columns) + 2, top + cell * len(rows) + 2
    drawn = _squares(shares, cell) + (_cell_numbers(shares, cell) if cell >= 24 else [])
    labels = _heat_labels(rows, columns, cell) if named else []
    cells = {
        "rows": list(rows),
        "columns": list(columns),
        "permille": np.rint(shares * 1000).astype(int).tolist(),
        "origin": [left, top],
        "cell": cell,
    }
    svg = Markup(
        '<svg viewBox="0 0 {} {}" role="img" tabindex="0" aria-label="{}" data-cells="{}">'
        '<g transform="translate({} {})"><rect class="track" width="{}" height="{}"/>{}'
        '<rect class="cursor" width="{}" height="{}"/></g></svg>'
    ).format(
        width,
        height,
        f"{title}: {len(rows)} truths in rows, {len(columns)} predictions in columns",
        json.dumps(cells, separators=(",", ":")),
        left,
        top,
        cell * len(columns),
        cell * len(rows),
        Markup("").join(drawn + labels),
        cell,
        cell,
    )
    return figure("heat", title, note, svg)


def ticks(low: float, high: float, count: int = 4, *, whole: bool = False) -> list[float]:
    """Return about `count` round numbers (in steps of 1, 2 or 5 times a power of ten) from low to high.

    Args:
        low: First end of the axis.
        high: Last end, above `low`.
        count: Number of them.
        whole: Whether only whole numbers make sense.
    """
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= 0.8 * rough)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


@dataclass(frozen=True)
class _Frame:
    """The axes of a line chart: from values to pixels."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    width: int = 360
    height: int = 210
    left: int = 48
    right: int = 350
    top: int = 10
    bottom: int = 180

    @classmethod
    def around(cls, curves: Sequence[Curve], x_range: tuple[float, float] | None) -> "_Frame":
        xs = [v for c in curves for v in c.x] or [0.0, 1.0]
        ys = [v for c in curves for v in c.y if math.isfinite(v)] or [0.0, 1.0]
        x_low, x_high = x_range or (min(xs), max(xs))
        y_low, y_high = min(*ys, 0.0), max(*ys, 0.0)
        if x_low == x_high:
            x_low, x_high = x_low - 1, x_high + 1
        y_high = y_high if y_high > y_low else y_low + 1
        return cls(x_low, x_high, y_low, y_high + 0.04 * (y_high - y_low))

    def x(self, value: float) -> float:
        return self.left + (self.right - self.left) * (value - self.x_low) / (self.x_high - self.x_low)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * (value - self.y_low) / (self.y_high - self.y_low)

    def path(self, curve: Curve) -> str:
        """Return the SVG path: a piece between gaps is a line, or a ring when it is a lonely point."""
        pieces: list[list[str]] = [[]]
        for x, y in zip(curve.x, curve.y, strict=True):
            if curve.dots or not math.isfinite(y):
                pieces.append([])
            if math.isfinite(y):
                pieces[-1].append(f"{px(self.x(x))} {px(self.y(y))}")
        ring = "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0"
        return "".join("M" + "L".join(piece) + (ring if len(piece) == 1 else "") for piece in pieces if piece)


def _readings(curves: Sequence[Curve], frame: _Frame, x_name: str, x_unit: str, in_percent: bool) -> list[list[object]]:
    """List what the read-out shows at each x of any curve: [pixel x, text, pixel y of each curve or null]."""
    if not curves:
        return []
    found = [dict(zip(c.x, c.y, strict=True)) for c in curves]
    readings: list[list[object]] = []
    for x in sorted({x for c in curves for x in c.x}):
        values = [f.get(x, math.nan) for f in found]
        if not any(map(math.isfinite, values)):
            continue
        names = [f"{c.name} " if len(curves) > 1 else "" for c in curves]
        texts: list[str] = []
        for curve, name, value in zip(curves, names, values, strict=True):
            text = _exact(value, in_percent)
            if math.isfinite(value) and not (curve.dots and any(other.endswith(text) for other in texts)):
                texts.append(name + text)
        heights = [round(frame.y(v), 1) if math.isfinite(v) else None for v in values]
        readings.append([round(frame.x(x), 1), f"{x_name} {x:g}{x_unit}: " + ", ".join(texts), heights])
    return readings


def _thin(curve: Curve) -> Curve:
    if len(curve.x) <= MAX_POINTS:
        return curve
    keep = np.linspace(0, len(curve.x) - 1, MAX_POINTS).round().astype(int)
    return Curve(curve.name, [curve.x[i] for i in keep], [curve.y[i] for i in keep], curve.color)


def _squares(shares: npt.NDArray[np.float64], cell: int) -> list[Markup]:
    """Draw all squares of one opacity as a single path, which keeps 150 classes small."""
    visible = np.where(shares < 0.005, 0, np.clip(shares, 0, 1))
    levels = np.rint(np.sqrt(visible) * HEAT_LEVELS).astype(int)
    drawn = []
    for level in range(1, HEAT_LEVELS + 1):
        rows, columns = np.nonzero(levels == level)
        if rows.size:
            pairs = zip(rows.tolist(), columns.tolist(), strict=True)
            path = "".join(f"M{c * cell} {r * cell}h{cell}v{cell}h-{cell}z" for r, c in pairs)
            drawn.append(Markup('<path class="cells" fill-opacity="{}" d="{}"/>').format(level / HEAT_LEVELS, path))
    return drawn


def _cell_numbers(shares: npt.NDArray[np.float64], cell: int) -> list[Markup]:
    """Write shares of 5 % and more into their squares."""
    numbers = []
    for r, c in zip(*np.nonzero(shares >= 0.05), strict=True):
        tone = "strong" if shares[r, c] >= 0.3 else "weak"
        numbers.append(
            Markup('<text class="number {}" x="{}" y="{}" text-anchor="middle">{:.0f}</text>').format(
                tone, c * cell + cell / 2, r * cell + cell / 2 + 4, 100 * shares[r, c]
            )
        )
    return numbers


def _heat_labels(rows: Sequence[str], columns: Sequence[str], cell: int) -> list[Markup]:
    middles = [i * cell + cell / 2 for i in range(max(len(rows), len(columns)))]
    row = Markup('<text x="-7" y="{}" text-anchor="end">{}</text>')
    column = Markup('<text transform="translate({} -7) rotate(-90)">{}</text>')
    return [row.format(px(m + 4), _shorten(name)) for m, name in zip(middles, rows, strict=False)] + [
        column.format(px(m + 4), _shorten(name)) for m, name in zip(middles, columns, strict=False)
    ]


def figure(kind: str, title: str, note: str, svg: Markup) -> Markup:
    """Put a drawing under its title; what the pointer reads replaces the note."""
    return Markup(
        '<figure class="chart {}"><figcaption><strong>{}</strong> <output>{}</output></figcaption>{}</figure>'
    ).format(kind, title, note, svg)


def _label_room(names: Sequence[str]) -> int:
    return min(LABEL_WIDTH, int(12 + CHARACTER_WIDTH * max(map(len, names), default=0)))


def _shorten(text: str) -> str:
    room = int((LABEL_WIDTH - 12) / CHARACTER_WIDTH)
    return text if len(text) <= room else text[: room - 1] + "…"


def px(value: float) -> str:
    """Write a place in a drawing."""
    return f"{value:.1f}".removesuffix(".0")


def _short(value: float, in_percent: bool) -> str:
    return f"{100 * value:g} %" if in_percent else number(value)


def _exact(value: float, in_percent: bool) -> str:
    return f"{percent(value)} %" if in_percent else number(value)
