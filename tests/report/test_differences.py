"""Differences in words and as a picture."""

import re

import pytest

from sceneseg.report.comparison.differences import from_best, in_both_directions

PAIRS = [
    {"better": "a", "worse": "b", "difference": 0.05, "low": 0.02, "high": 0.09, "real": True},
    {"better": "a", "worse": "c", "difference": 0.06, "low": -0.01, "high": 0.11, "real": False},
    {"better": "b", "worse": "c", "difference": 0.01, "low": -0.03, "high": 0.04, "real": False},
]
ROWS = [{"name": name} for name in "abc"]
COLORS = dict.fromkeys("abc", "red")


def test_a_pair_reads_the_same_from_either_side():
    found = in_both_directions(PAIRS)
    assert found["a", "b"] == ("+5.0", "2.0 … 9.0", True)
    assert found["b", "a"] == ("−5.0", "−9.0 … −2.0", True)
    assert found["c", "a"] == ("−6.0", "−11.0 … 1.0", False)
    assert len(found) == 6


def test_those_behind_stand_left_of_zero_and_an_unsure_one_crosses_it():
    found = from_best(ROWS, PAIRS, COLORS)
    assert list(found["plots"]) == ["b", "c"]

    def places(name):
        plot = str(found["plots"][name])
        kinds = ("tick", "zero", "whisker", "mark")
        at = {k: [float(x) for x in re.findall(rf'class="{k}" style="left:([\d.]+)%', plot)] for k in kinds}
        right = float(re.search(r"100% - ([\d.]+)%", plot)[1])
        return at["zero"][0], at["whisker"][0], at["mark"][0], right

    zero, left, mark, right = places("b")
    assert left < mark < right < zero
    zero, left, mark, right = places("c")
    assert left < mark < zero < right < 100
    assert "−6.0 points, 95 % interval −11.0 to 1.0 points" in found["plots"]["c"]


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS])
def test_no_pairs_no_picture(rows):
    assert from_best(rows, [], COLORS) is None
