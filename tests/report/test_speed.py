"""The one rule for latencies."""

import pytest

from sceneseg.report.comparison.speed import are_alike, fastest_of, is_faster


def times(p50, p25=None, p75=None, p95=None):
    found = {"p50_ms": p50, "p25_ms": p25, "p75_ms": p75, "p95_ms": p95}
    return {key: value for key, value in found.items() if value is not None}


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
    a, b, c = times(10, 9, 12), times(10.8, 10.7, 10.9), times(13, 12.5, 13.5)
    assert fastest_of([c, b, a]) == [b, a]
    assert not are_alike([a, b, c])
    assert are_alike([a, b])
    assert not are_alike([a])
    assert fastest_of([]) == []
