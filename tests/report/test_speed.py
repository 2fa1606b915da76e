"""The one rule for latencies."""

import pytest
from made_up_results import make_row

from sceneseg.records.latency import Latency
from sceneseg.report.comparison.speed import are_alike, beats, fastest_of, is_faster


def times(p50, p25=None, p75=None, p95=None):
    return Latency(p50, p95, p25_ms=p25, p75_ms=p75)


@pytest.mark.parametrize(
    ("one", "other", "faster"),
    [
        (times(10, 9.8, 10.2), times(11, 10.8, 11.2), True),
        (times(10, 9.8, 10.9), times(11, 10.8, 11.2), False),  # within the spread
        (times(10, 9.99, 10.01), times(10.4, 10.39, 10.41), False),  # a difference that isn't worth a word
        (times(11, 10.8, 11.2), times(10, 9.8, 10.2), False),
        (times(10, 9, 14), times(20, 15, 21), True),
        (times(10), times(11.1), True),  # without quartiles a tenth
        (times(10), times(10.9), False),
        (times(10, p95=20), times(12, p95=15), False),  # the slower one has the better end
        (times(10, p95=14), times(12, p95=15), True),
        (times(10, 9.8, 10.2), times(10.9), False),  # one of them measured by an earlier version
    ],
)
def test_faster_only_beyond_the_spread(one, other, faster):
    assert is_faster(one, other) == faster
    assert not (faster and is_faster(other, one))


def test_who_is_the_fastest():
    quick, slower = times(10, 9, 12), times(10.8, 10.7, 10.9)
    a, b, c = make_row("a", latency=quick), make_row("b", latency=slower), make_row("c", latency=times(13, 12.5, 13.5))
    assert fastest_of([c, b, a]) == [b, a]
    assert not are_alike([a, b, c])
    assert are_alike([a, b])
    assert not are_alike([a])
    assert fastest_of([]) == []


def test_one_that_was_not_timed_is_neither_faster_nor_slower():
    a, untimed = make_row("a", latency=times(10)), make_row("b")
    assert not beats(a, untimed)
    assert not beats(untimed, a)
