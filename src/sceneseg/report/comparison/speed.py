"""Speed of two models: one rule for where one is called faster than another, beyond the spread of the measurements."""

import itertools
from collections.abc import Sequence

from sceneseg.records.latency import Latency
from sceneseg.report.comparison.results import RankedCandidate

LEAST = 1.05
"""Ratio of two medians below which no difference is worth a word; the same model differs by as much from day to day."""
LEAST_WITHOUT_SPREAD = 1.1
"""The same where a measurement of an earlier version has no quartiles."""
RULE = (
    "A model is called faster than another where three quarters of its predictions took less time than three quarters "
    "of the other's did, and the medians differ by 5 % or more; else it is as fast as the other."
)


def is_faster(latency: Latency, other: Latency) -> bool:
    """Whether a model is faster than another beyond the spread of the measurements.

    Example:
        >>> is_faster(Latency(10, p25_ms=9.8, p75_ms=10.2), Latency(11, p25_ms=10.8, p75_ms=11.2))
        True
        >>> is_faster(Latency(10, p25_ms=9.8, p75_ms=10.9), Latency(11, p25_ms=10.8, p75_ms=11.2))
        False
    """
    ratio = other.p50_ms / latency.p50_ms
    if latency.p75_ms is not None and other.p25_ms is not None:
        return ratio >= LEAST and latency.p75_ms < other.p25_ms
    ends = (latency.p95_ms, other.p95_ms)
    turned = ends[0] is not None and ends[1] is not None and ends[0] > ends[1]  # the faster median has the slower end
    return ratio >= LEAST_WITHOUT_SPREAD and not turned


def beats(row: RankedCandidate, other: RankedCandidate) -> bool:
    """Whether a candidate is known to be faster than another."""
    return row.latency is not None and other.latency is not None and is_faster(row.latency, other.latency)


def fastest_of(rows: Sequence[RankedCandidate]) -> list[RankedCandidate]:
    """Return those that none of the others is faster than, in their order; all of them are as fast as each other."""
    return [row for row in rows if not any(beats(other, row) for other in rows)]


def are_alike(rows: Sequence[RankedCandidate]) -> bool:
    """Whether none of several models is faster than another."""
    return len(rows) > 1 and not any(beats(a, b) for a, b in itertools.permutations(rows, 2))
