"""Differences in words and as an image."""

import re

import pytest
from made_up_results import make_ranking, make_row

from sceneseg.records.interval import Interval
from sceneseg.report.comparison.differences import WrittenDifference, from_best, in_both_directions
from sceneseg.report.comparison.results import Difference

DIFFERENCES = (
    Difference("a", "b", Interval(0.05, 0.02, 0.09)),
    Difference("a", "c", Interval(0.06, -0.01, 0.11)),
    Difference("b", "c", Interval(0.01, -0.03, 0.04)),
)
COLORS = dict.fromkeys("abc", "red")


def test_a_pair_reads_the_same_from_either_side():
    found = in_both_directions(DIFFERENCES)
    assert found["a", "b"] == WrittenDifference("+5.0", "2.0 … 9.0", True)
    assert found["b", "a"] == WrittenDifference("−5.0", "−9.0 … −2.0", True)
    assert found["c", "a"] == WrittenDifference("−6.0", "−11.0 … 1.0", False)
    assert len(found) == 6


def test_those_behind_stand_left_of_zero_and_an_unsure_one_crosses_it():
    found = from_best(make_ranking([make_row(name) for name in "abc"], DIFFERENCES), COLORS)
    assert list(found.plots) == ["b", "c"]

    def places(name):
        plot = str(found.plots[name])
        kinds = ("tick", "zero", "whisker", "mark")
        at = {k: [float(x) for x in re.findall(rf'class="{k}" style="left:([\d.]+)%', plot)] for k in kinds}
        right = float(re.search(r"100% - ([\d.]+)%", plot)[1])
        return at["zero"][0], at["whisker"][0], at["mark"][0], right

    zero, left, mark, right = places("b")
    assert left < mark < right < zero
    zero, left, mark, right = places("c")
    assert left < mark < zero < right < 100
    assert "−6.0 points, 95 % interval −11.0 to 1.0 points" in found.plots["c"]


@pytest.mark.parametrize("names", ["", "a", "abc"])
def test_no_pairs_no_picture(names):
    assert from_best(make_ranking([make_row(name) for name in names]), COLORS) is None
