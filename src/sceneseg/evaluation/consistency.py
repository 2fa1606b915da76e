"""Consistency of stored scores, the counts they were made of, and the weights that predicted."""

import math

from sceneseg.errors import RunError
from sceneseg.evaluation.protocol import score
from sceneseg.evaluation.stored import weights_sha256
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.records.header import WeightsScore
from sceneseg.records.protocol import Protocol
from sceneseg.records.run_directory import RunDirectory, read_header
from sceneseg.records.scores import Scores, read_scores

TOLERANCE = 1e-6
"""Scores are written with all their digits; versions of NumPy may add in another order."""


def mismatch(scored: RunDirectory, metrics: Scores, counts: SemanticCounts | None) -> str:
    """Describe which files of a run don't belong together; empty when all do, or when it can't be known.

    Args:
        scored: The run, or the evaluation in it, that has the scores.
        metrics: Those of its metrics.json.
        counts: Those of its confusion.npz; None where there are none.

    Raises:
        RunError: The weights are damaged.
    """
    cure = "Score the run again with `sceneseg evaluate`, or put back the files that belong together."
    if counts is not None and (difference := _from_counts(metrics, counts)):
        return f"{scored.metrics} and {scored.confusion} disagree: {difference}. {cure}"
    home = scored.home
    if not home.best.is_file():
        return ""
    if scored.path == home.path:
        difference = _from_header(metrics, read_header(home.best).score)
        return f"{scored.metrics} and {home.best} don't belong together: {difference}. {cure}" if difference else ""
    made_of = metrics.origin and metrics.origin.weights_sha256
    if not made_of or made_of == weights_sha256(home):
        return ""
    return f"{scored.metrics} isn't of {home.best}: it was made with other weights (sha256 {made_of[:12]}…). {cure}"


def is_whole(scored: RunDirectory) -> bool:
    """Whether a run, or an evaluation in it, has scores and counts, and both can be read and belong together."""
    try:
        metrics, counts = read_scores(scored.metrics), SemanticCounts.load(scored.confusion)
        return metrics.protocol != Protocol() and not mismatch(scored, metrics, counts)
    except RunError:
        return False


def _from_counts(metrics: Scores, counts: SemanticCounts) -> str:
    """Describe the score in which the counts differ from the stored one; empty when there is none."""
    found = score(counts, metrics.protocol)
    pairs = [("mean IoU", metrics.means.get("mean_iou"), found.means.get("mean_iou"))]
    written = metrics.classes
    if written and written.keys() != found.classes.keys():
        return f"one has {len(written)} classes, the other {len(found.classes)}, or their names differ"
    for name, values in written.items():
        pairs.append((f"IoU of {name}", values.get("iou"), found.classes[name].get("iou")))
    for what, given, counted in pairs:
        if not _alike(given, counted):
            return f"a {what} of {_percent(given)} is written, the counts give {_percent(counted)}"
    return ""


def _from_header(metrics: Scores, written: WeightsScore | None) -> str:
    """Describe the score in which the weights' header differs from metrics.json; empty when there is none."""
    for key, value in written.means.items() if written else ():
        own = metrics.means.get(key)
        if None not in (value, own) and not _alike(own, value):
            return f"{key} is {_percent(own)} in one, {_percent(value)} in the other"
    return ""


def _alike(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=0, abs_tol=TOLERANCE)


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.2f} %"
