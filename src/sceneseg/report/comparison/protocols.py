"""Which scores can be ranked: those that come about under one protocol, on one truth."""

from collections.abc import Iterable, Sequence

from sceneseg.evaluation.protocol import other_truth
from sceneseg.metrics.semantic import AbsentRule
from sceneseg.report.comparison.candidates import Candidate, Training
from sceneseg.report.comparison.class_set import classes_in_truth
from sceneseg.report.formatting import label, words
from sceneseg.report.run.run_reader import Plain

MEASURED_BY = (
    *("dataset", "split", "images", "split_hash", "label_space", "size", "scored_at"),
    *("void", "absent", "scorer", "window", "tta", "label_map"),
)
"""What of a protocol must be alike, so that scores can be ranked. The input size and the precision may differ: they
belong to the candidate, as scores are taken at the labels' own size."""
USUAL = {"absent": "skip"}
"""What an earlier version did, whose protocols don't say it."""


def protocol_of(training: Training) -> Plain:
    """Return the protocol of a training's scores; empty where there is none."""
    found = training.metrics["protocol"] if training.metrics else {}
    return found if isinstance(found, dict) else {}


def absent_rule(candidates: Sequence[Candidate], asked: str | None) -> AbsentRule:
    """Return the rule for classes that the truth lacks: the one asked for, else the one of the protocol."""
    own = protocol_of(candidates[0].first).get("absent") if candidates else None
    return "zero" if (asked or own) == "zero" else "skip"


def by_protocol(candidates: Iterable[Candidate], asked: str | None) -> list[list[Candidate]]:
    """Put candidates together that can be ranked; the largest group first, as long as they are in the plan's order.

    Args:
        candidates: Those with a score.
        asked: Rule for absent classes that all are scored by; None: each by that of its protocol.
    """
    groups: list[list[Candidate]] = []
    for candidate in candidates:
        fitting = (group for group in groups if not any(_unlike(candidate, other, asked) for other in group))
        if (group := next(fitting, None)) is None:
            groups.append([candidate])
        else:
            group.append(candidate)
    return sorted(groups, key=len, reverse=True)


def unlike_reasons(group: Sequence[Candidate], main: Sequence[Candidate], asked: str | None) -> list[str]:
    """Say in what the protocol of a group differs from that of the ranked ones."""
    found: dict[str, None] = {}
    for other in main:
        if found:
            break
        found = dict.fromkeys(_unlike(group[0], other, asked))
    return list(found)


def unknown_facts(group: Sequence[Candidate]) -> list[str]:
    """Say what only some protocols of a group tell, so that nobody knows whether it is alike for all."""
    without = [candidate.name for candidate in group if not protocol_of(candidate.first).get("labels_hash")]
    if not without or len(without) == len(group):
        return []
    names = ", ".join(f"`{name}`" for name in without)
    return [
        f"The scores of {names} are of an earlier version that didn't note the contents of the labels (labels_hash), "
        f"so they may be of other labels than those of the others."
    ]


def _unlike(candidate: Candidate, other: Candidate, asked: str | None) -> list[str]:
    """Say in what the protocols of two candidates differ; what one of them doesn't tell is no difference."""
    own, usual = (_measure(c.first, asked) for c in (candidate, other))
    reasons = [f"{label(key)}: {own[key]} instead of {usual[key]}" for key in own if own[key] != usual[key]]
    if reasons:  # other images or classes have another truth anyway
        return reasons
    if other_truth(protocol_of(candidate.first), protocol_of(other.first)):
        return ["The labels of the images were others"]
    truth, theirs = (classes_in_truth(c.first) for c in (candidate, other))
    if truth is None or theirs is None or truth == theirs:
        return []
    return [f"Classes in the truth: {_some(truth)} instead of {_some(theirs)}"]


def _measure(training: Training, asked: str | None) -> dict[str, str]:
    protocol = {**USUAL, **protocol_of(training)} | ({"absent": asked} if asked else {})
    return {key: words(protocol.get(key), key) for key in MEASURED_BY}


def _some(classes: Sequence[str]) -> str:
    return f"{len(classes)} ({', '.join(classes)})"
