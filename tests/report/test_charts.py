"""Charts by what they draw: lengths, gaps, squares, and what the page's script reads from them."""

import json
import math
from xml.etree import ElementTree

import numpy as np
import pytest

from sceneseg.report.formatting import duration
from sceneseg.report.svg.charts import Bar, Curve, bar_chart, heat_map, line_chart, ticks


@pytest.mark.parametrize(
    ("low", "high", "whole", "expected"),
    [
        (0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 0.62, False, [0, 0.2, 0.4, 0.6]),
        (1, 30, True, [10, 20, 30]),
        (1, 3, True, [1, 2, 3]),
        (-3, 5, False, [-2, 0, 2, 4]),
        (0, 6e-5, False, [0, 2e-5, 4e-5, 6e-5]),
    ],
)
def test_ticks_are_round(low: float, high: float, whole: bool, expected: list[float]) -> None:
    assert ticks(low, high, whole=whole) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("seconds", "written"), [(8.6, "9 s"), (288, "4 min 48 s"), (300, "5 min"), (111_900, "31 h 5 min"), (7200, "2 h")]
)
def test_durations_have_two_units(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def svg_numbers(markup: str, tag: str, key: str) -> list[float]:
    root = ElementTree.fromstring(markup)
    return [float(e.attrib[key]) for e in root.iter(tag) if key in e.attrib]


def test_bars_are_as_long_as_their_values() -> None:
    chart = bar_chart([Bar("a", 1.0), Bar("b", 0.25), Bar("c", None)], title="IoU")
    full, *widths = sorted(svg_numbers(chart, "rect", "width"), reverse=True)[2:]
    assert full == max(svg_numbers(chart, "rect", "width"))
    assert widths == [full, pytest.approx(full / 4, abs=0.1)]
    assert "IoU: a 100.0, b 25.0, c –" in chart


def test_lines_break_at_gaps_and_are_thinned_out() -> None:
    gap = line_chart([Curve("loss", [1, 2, 3, 4], [1.0, math.nan, 0.5, 0.4])], title="loss", x_name="epoch")
    [path] = [p for p in ElementTree.fromstring(gap).iter("path") if p.get("class") == "curve"]
    assert path.attrib["d"].count("M") == 2
    long = Curve("loss", range(10_000), [1 / (1 + i) for i in range(10_000)])
    chart = line_chart([long], title="loss", x_name="step")
    points = json.loads(ElementTree.fromstring(chart).find("svg").attrib["data-points"])
    assert len(points) == 500
    assert [points[0][1], points[-1][1]] == ["step 0: 1", "step 9999: 0.0001"]


def test_two_curves_are_read_together() -> None:
    curves = [Curve("a", [1, 2], [0.5, 0.6]), Curve("b", [1, 3], [0.1, 0.2])]
    chart = line_chart(curves, title="Mean IoU", x_name="epoch", in_percent=True)
    points = json.loads(ElementTree.fromstring(chart).find("svg").attrib["data-points"])
    assert [text for _, text, _ in points] == ["epoch 1: a 50.0 %, b 10.0 %", "epoch 2: a 60.0 %", "epoch 3: b 20.0 %"]
    assert points[1][2][1] is None


def test_heat_map_draws_each_visible_square_once() -> None:
    shares = np.array([[0.9, 0.1, 0.0], [math.nan, 0.0, 0.0], [0.001, 0.0, 0.999]])
    chart = heat_map(shares, ["a", "b", "c"], ["a", "b", "c"], title="Confusion")
    squares = [p.attrib["d"] for p in ElementTree.fromstring(chart).iter("path")]
    assert sum(d.count("M") for d in squares) == 3
