"""One rule for latencies, wherever one model is called faster than another: beyond the spread of the measurements."""

import itertools
from collections.abc import Sequence

from sceneseg.report.run.run_reader import Plain

LEAST = 1.05
"""Ratio of two medians below which no difference is worth a word; the same model differs by as much from day to day."""
LEAST_WITHOUT_SPREAD = 1.1
"""The same where a measurement of an earlier version has kept no quartiles."""
RULE = (
    "A model is called faster than another where three quarters of its predictions took less time than three quarters "
    "of the other's did, and the medians are 5 % apart or more; else it is as fast as the other."
)


def is_faster(row: Plain, other: Plain) -> bool:
    """Whether a model is faster than another beyond the spread of the measurements.

    Args:
        row: p50_ms, p95_ms, and p25_ms and p75_ms where they are known.
        other: The same of the other model.
    """
    ratio = other["p50_ms"] / row["p50_ms"]
    slow, fast = row.get("p75_ms"), other.get("p25_ms")
    if slow is not None and fast is not None:
        return bool(ratio >= LEAST and slow < fast)
    end, other_end = row.get("p95_ms"), other.get("p95_ms")
    turned = end is not None and other_end is not None and end > other_end  # the faster median has the slower end
    return bool(ratio >= LEAST_WITHOUT_SPREAD and not turned)


def fastest_of(rows: Sequence[Plain]) -> list[Plain]:
    """Return those that none of the others is faster than, in their order; all of them are as fast as each other."""
    return [row for row in rows if not any(is_faster(other, row) for other in rows)]


def are_alike(rows: Sequence[Plain]) -> bool:
    """Whether none of several models is faster than another."""
    return len(rows) > 1 and not any(is_faster(a, b) for a, b in itertools.permutations(rows, 2))
