import itertools
import re

from sceneseg.records.interval import Interval
from sceneseg.report.svg.interval_plot import interval_axis, interval_plot
from sceneseg.report.svg.scatter import Point, scatter


def point(name, x, y, front=True):
    return Point(name, x, Interval(y, y - 0.01, y + 0.01), "var(--c1)", front, f"{name}: {y}")


def drawn(points, size=(360, 270)):
    return str(scatter(points, title="Score", x_name="ms", size=size))


def places(svg):
    found = re.findall(r'<text class="name" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)', svg)
    return [(float(x), float(y), name) for x, y, name in found]


def test_costs_far_apart_get_a_logarithmic_axis():
    wide = drawn([point("a", 1, 0.5), point("b", 1000, 0.6)])
    assert [t for t in ("1", "10", "100", "1000") if f">{t}</text>" in wide] == ["1", "10", "100", "1000"]
    near = drawn([point("a", 100, 0.5), point("b", 300, 0.6)])
    assert ">0</text>" in near


def test_the_front_goes_through_those_that_nobody_beats():
    svg = drawn([point("slow", 30, 0.7), point("beaten", 20, 0.4, front=False), point("quick", 10, 0.5)])
    path = re.search(r'class="front" d="([^"]+)"', svg)[1]
    assert path.count("H") == 2
    assert svg.count("fill:var(--ground)") == 1
    assert 'class="front"' not in drawn([point("a", 1, 0.5)])


def test_names_of_crowded_points_dont_overlap():
    points = [point(f"model_{i}", 10 + i / 4, 0.5 + i / 900) for i in range(7)]
    found = places(drawn(points))
    assert len(found) == 7
    for (x, y, name), (u, v, other) in itertools.combinations(found, 2):
        apart = x + 6 * len(name) < u or u + 6 * len(other) < x or abs(y - v) >= 12
        assert apart, (name, other)


def test_names_are_escaped_and_stay_inside():
    svg = drawn([point("<b>", 10, 0.5), point("a_very_long_name_of_a_model-with-options", 20, 0.6)])
    assert "<b>" not in svg
    found = places(svg)
    assert [name for _, _, name in found] == ["a_very_long_name_of_a_…", "&lt;b&gt;"]
    assert all(x >= 40 and x + 6.6 * len(name) < 380 for x, _, name in found)
    assert "a_very_long_name_of_a_model-with-options" in svg  # what the read-out says


def test_a_name_far_from_its_dot_is_joined_to_it():
    assert 'class="leader"' not in drawn([point("a", 10, 0.5), point("b", 20, 0.6)])
    crowd = [point(f"model_{i}", 10 + i / 4, 0.5 + i / 900) for i in range(7)]
    assert drawn(crowd).count('class="leader"') >= 2


def test_one_point_alone_can_be_drawn():
    assert "circle" in drawn([Point("a", 3, Interval(0.2), "red", True, "a")])


def test_interval_in_a_row():
    plot = str(interval_plot(Interval(0.5, 0.4, 0.6), 0.3, 0.7, "red"))
    assert 'class="whisker" style="left:27.00%;right:calc(100% - 73.00%)"' in plot
    assert 'class="mark" style="left:50.00%"' in plot
    assert 'aria-label="50.0 %, 95 % interval 40.0 to 60.0 %"' in plot
    assert "zero" not in plot
    alone = str(interval_plot(Interval(0.5), 0.3, 0.7, "red"))
    assert "whisker" not in alone
    assert 'aria-label="50.0 %"' in alone
    assert ">60</span>" in str(interval_axis(0.3, 0.7))


def test_a_difference_has_a_line_at_zero():
    plot = str(interval_plot(Interval(-0.02, -0.03, 0.01), -0.04, 0.04, "red", points=True))
    assert 'class="zero" style="left:50.00%"' in plot
    assert 'aria-label="−2.0 points, 95 % interval −3.0 to 1.0 points"' in plot
    assert ">−5</span>" in str(interval_axis(-0.06, 0.06))
