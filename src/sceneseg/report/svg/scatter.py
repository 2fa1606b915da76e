"""Scatter plots as inline SVG: scores with their intervals over a cost, and the Pareto front."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sceneseg.records.interval import Interval
from sceneseg.report.formatting import number
from sceneseg.report.svg.charts import CHARACTER_WIDTH, figure, px, ticks

LOGARITHMIC_FROM = 8.0
"""Ratio of the largest to the smallest cost from which the axis is logarithmic."""
ROW = 15
"""Height of a line of text, for labels that must not overlap."""
GAP = 9
FAR = 20
"""Height between a name and its dot from which a line joins them."""
LONGEST = 0.5
"""Part of the chart's width that a name may take; the read-out has all of it."""


@dataclass(frozen=True)
class Point:
    """A candidate in the plot.

    Args:
        name: Its label.
        cost: Above 0, in the unit of the axis.
        score: In [0, 1], with its interval.
        color: A CSS color.
        front: Whether it is on the Pareto front.
        text: Shown when the pointer is near.
    """

    name: str
    cost: float
    score: Interval
    color: str
    front: bool
    text: str


def scatter(points: Sequence[Point], *, title: str, x_name: str, note: str = "", size: tuple[int, int]) -> Markup:
    """Draw scores over costs, with whiskers, direct labels and the Pareto front as steps.

    Args:
        points: One or more.
        title: What is drawn.
        x_name: The cost and its unit, under the axis.
        note: Text next to the title until the pointer comes.
        size: (width, height) of the drawing.

    Returns:
        A ``<figure>``.

    Example:
        >>> unet = Point("unet", 8.1, Interval(0.61, 0.58, 0.64), "red", True, "unet: 61.0 %")
        >>> "unet: 61.0 %" in scatter([unet], title="Against latency", x_name="ms", size=(400, 300))
        True
    """
    frame = _Frame.around(points, size)
    front = sorted((p for p in points if p.front), key=lambda p: p.cost)
    front = front if len(front) > 1 else []
    steps = _steps(front, frame) if front else Markup("")
    marks = [_mark(point, frame) for point in points]
    labels = [label.draw() for label in _labels(points, frame, front)]
    readings = [[round(frame.x(p.cost), 1), round(frame.y(p.score.value), 1), p.text] for p in points]
    svg = Markup(
        '<svg viewBox="0 0 {} {}" role="img" tabindex="0" aria-label="{}" data-scatter="{}">{}'
        '<circle class="ring" r="9"/></svg>'
    ).format(
        *size,
        f"{title}: " + "; ".join(p.text for p in points),
        json.dumps(readings, separators=(",", ":")),
        Markup("").join([*frame.grid(x_name), steps, *marks, *labels]),
    )
    return figure("scatter", title, note, svg)


@dataclass(frozen=True)
class _Frame:
    """The axes: from costs and scores to pixels."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    logarithmic: bool
    left: float
    right: float
    top: float
    bottom: float

    @classmethod
    def around(cls, points: Sequence[Point], size: tuple[int, int]) -> "_Frame":
        xs = [p.cost for p in points]
        ends = [v for p in points for v in (*(p.score.ends or ()), p.score.value)]
        logarithmic = max(xs) / min(xs) >= LOGARITHMIC_FROM
        x_low, x_high = (min(xs) / 1.35, max(xs) * 1.5) if logarithmic else (0.0, max(xs) * 1.12)
        room = max(0.12 * (max(ends) - min(ends)), 0.01)
        y_low, y_high = max(0.0, min(ends) - room), min(1.0, max(ends) + room)
        return cls(x_low, x_high, y_low, y_high, logarithmic, 46, size[0] - 10, 10, size[1] - 44)

    def x(self, value: float) -> float:
        low, high, at = self.x_low, self.x_high, value
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return self.left + (self.right - self.left) * (at - low) / (high - low)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * (value - self.y_low) / (self.y_high - self.y_low)

    def grid(self, x_name: str) -> list[Markup]:
        """Draw lines at round scores, ticks at round costs, and the axis' name."""
        across = Markup('<path class="grid" d="M{} {}H{}"/><text x="{}" y="{}" text-anchor="end">{} %</text>')
        down = Markup('<path class="grid" d="M{} {}v5"/><text x="{}" y="{}" text-anchor="middle">{}</text>')
        drawn = [
            across.format(
                px(self.left), px(self.y(v)), px(self.right), self.left - 7, px(self.y(v) + 4), f"{100 * v:g}"
            )
            for v in (round(t, 10) for t in ticks(self.y_low, self.y_high, 5))
        ]
        drawn += [
            down.format(px(self.x(v)), px(self.bottom), px(self.x(v)), px(self.bottom + 18), number(v))
            for v in self._costs()
        ]
        base = Markup('<path class="base" d="M{} {}H{}"/>').format(px(self.left), px(self.bottom), px(self.right))
        name = Markup('<text x="{}" y="{}" text-anchor="end">{}</text>')
        return [*drawn, base, name.format(px(self.right), px(self.bottom + 36), x_name)]

    def _costs(self) -> list[float]:
        if not self.logarithmic:
            return ticks(self.x_low, self.x_high)
        powers = range(math.floor(math.log10(self.x_low)), math.ceil(math.log10(self.x_high)) + 1)
        round_ones = [m * 10.0**power for power in powers for m in (1, 2, 5)]
        return [v for v in round_ones if self.x_low <= v <= self.x_high]


def _mark(point: Point, frame: _Frame) -> Markup:
    """Draw a whisker and a dot: filled on the front, a ring when another candidate is better in both."""
    x, y = px(frame.x(point.cost)), px(frame.y(point.score.value))
    whisker = Markup("")
    if point.score.ends is not None:
        low, high = point.score.ends
        whisker = Markup('<path class="whisker" style="stroke:{}" d="M{} {}V{}"/>').format(
            point.color, x, px(frame.y(low)), px(frame.y(high))
        )
    style = f"fill:{point.color if point.front else 'var(--ground)'};stroke:{point.color}"
    return whisker + Markup('<circle class="point" cx="{}" cy="{}" r="6" style="{}"/>').format(x, y, style)


def _steps(front: Sequence[Point], frame: _Frame) -> Markup:
    """Draw the front: what can be had at most for a cost."""
    path = f"M{px(frame.x(front[0].cost))} {px(frame.bottom)}V{px(frame.y(front[0].score.value))}"
    for point in front[1:]:
        path += f"H{px(frame.x(point.cost))}V{px(frame.y(point.score.value))}"
    return Markup('<path class="front" d="{}H{}"/>').format(path, px(frame.right))


Box = tuple[float, float, float, float]
NAME, DOT, LINE = 6.0, 3.0, 1.0
"""How bad it is to hide a part of one of these."""


@dataclass(frozen=True)
class _Label:
    """A name in the color of its dot, with a line to it from further away."""

    name: str
    left: float
    base: float
    color: str
    dot: tuple[float, float]

    @property
    def width(self) -> float:
        return CHARACTER_WIDTH * 1.08 * len(self.name)

    @property
    def box(self) -> "Box":
        return self.left, self.base - 11, self.left + self.width, self.base + 3

    def draw(self) -> Markup:
        x, y = self.dot
        line = Markup("")
        if abs(self.base - 4 - y) > FAR:
            near = self.left - 2 if self.left > x else self.left + self.width + 2
            line = Markup('<path class="leader" style="stroke:{}" d="M{} {}L{} {}"/>').format(
                self.color, px(x), px(y), px(near), px(self.base - 4)
            )
        return line + Markup('<text class="name" x="{}" y="{}" style="fill:{}">{}</text>').format(
            px(self.left), px(self.base), self.color, self.name
        )


def _labels(points: Sequence[Point], frame: _Frame, front: Sequence[Point]) -> list[_Label]:
    """Place each name where it hides no dot, line or other name: right of its dot, else left, above, below."""
    taken = _lines(front, frame)
    for p in points:
        x, y = frame.x(p.cost), frame.y(p.score.value)
        taken.append((DOT, (x - 7, y - 7, x + 7, y + 7)))
        if p.score.ends is not None:
            low, high = p.score.ends
            taken.append((LINE, (x - 2, frame.y(high), x + 2, frame.y(low))))
    longest = int(LONGEST * (frame.right - frame.left) / CHARACTER_WIDTH)
    placed = []
    for p in sorted(points, key=lambda p: -p.score.value):
        x, y = dot = frame.x(p.cost), frame.y(p.score.value)
        name = p.name if len(p.name) <= longest else p.name[: longest - 1] + "…"
        width = _Label(name, 0, 0, "", dot).width
        rows = [0, -1, 1, -2, 2, -3, 3]
        choices = [
            _Label(name, left, y + 4 + row * ROW, p.color, dot) for row in rows for left in (x + GAP, x - GAP - width)
        ]
        hidden = [sum(weight * _overlap(c.box, other) for weight, other in taken) for c in choices]
        best = min(range(len(choices)), key=lambda i: (not _inside(choices[i].box, frame), hidden[i], i))
        taken.append((NAME, choices[best].box))
        placed.append(choices[best])
    return placed


def _inside(box: "Box", frame: _Frame) -> bool:
    return box[0] >= frame.left and box[2] <= frame.right + 8 and box[1] >= 0 and box[3] <= frame.bottom


def _lines(front: Sequence[Point], frame: _Frame) -> list[tuple[float, Box]]:
    """Return where the steps of the front run."""
    places = [(frame.x(p.cost), frame.y(p.score.value)) for p in front]
    lines = []
    for (x, y), (end, above) in zip(places, [*places[1:], (frame.right, None)], strict=True) if places else ():
        lines.append((LINE, (x, y - 1, end, y + 1)))
        if above is not None:
            lines.append((LINE, (end - 1, above, end + 1, y)))
    return lines


def _overlap(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height)
