"""Protocols of a comparison: scores can be ranked if they come about under one protocol, on one truth."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sceneseg.records.protocol import AbsentRule, Protocol
from sceneseg.report.comparison.candidates import Candidate
from sceneseg.report.comparison.class_set import labeled_classes
from sceneseg.report.formatting import label, words


def absent_rule(candidates: Sequence[Candidate], asked: AbsentRule | None) -> AbsentRule:
    """Return the rule for classes that the labels lack: the one asked for, else the one of the protocol."""
    return asked or (candidates[0].first.protocol.absent if candidates else None) or "skip"


def by_protocol(candidates: Iterable[Candidate], asked: AbsentRule | None) -> list[list[Candidate]]:
    """Return groups of candidates that can be ranked; the largest first, those of a size in the plan's order.

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


def unlike_reasons(group: Sequence[Candidate], main: Sequence[Candidate], asked: AbsentRule | None) -> list[str]:
    """Return in what the protocol of a group differs from that of the ranked ones."""
    found = (_unlike(group[0], other, asked) for other in main)
    return list(dict.fromkeys(next(filter(None, found), [])))


def unknown_facts(group: Sequence[Candidate]) -> list[str]:
    """Return what only some protocols of a group contain, so that it may differ for the others."""
    without = [candidate.name for candidate in group if not candidate.first.protocol.labels_hash]
    if not without or len(without) == len(group):
        return []
    names = ", ".join(f"`{name}`" for name in without)
    return [
        f"The scores of {names} are of an earlier version that didn't note the contents of the labels (labels_hash), "
        f"so they may be of other labels than those of the others."
    ]


def _unlike(candidate: Candidate, other: Candidate, asked: AbsentRule | None) -> list[str]:
    """Return in what the protocols of two candidates differ; what one of them doesn't tell is no difference."""
    own, usual = (_scored_by(c.first.protocol, asked) for c in (candidate, other))
    if differing := own.differs_from(usual):
        return [
            f"{label(key)}: {words(value, key)} instead of {words(other_value, key)}"
            for key, (value, other_value) in differing.items()
        ]
    if own.has_other_labels(usual):
        return ["The labels of the images were others"]
    truth, theirs = (labeled_classes(c.first) for c in (candidate, other))
    if truth is None or theirs is None or truth == theirs:
        return []
    return [f"Classes in the truth: {_some(truth)} instead of {_some(theirs)}"]


def _scored_by(protocol: Protocol, asked: AbsentRule | None) -> Protocol:
    return replace(protocol, absent=asked or protocol.absent or "skip")


def _some(classes: Sequence[str]) -> str:
    return f"{len(classes)} ({', '.join(classes)})"
