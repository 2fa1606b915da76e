"""Ranking of a comparison: who is better, how sure that is, and what can't be compared at all."""

import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sceneseg.errors import DataError
from sceneseg.metrics.bootstrap import Bootstrap, bootstrap
from sceneseg.metrics.sizes import size_bands
from sceneseg.records.comparison_plan import read_plan
from sceneseg.records.environment import environment
from sceneseg.records.interval import Interval
from sceneseg.records.joint_scores import JointScores, read_joint_scores
from sceneseg.records.latency import read_latency
from sceneseg.records.protocol import AbsentRule
from sceneseg.records.run_directory import ComparisonDirectory
from sceneseg.records.scores import BandScores
from sceneseg.report.comparison.answer import answer, listing
from sceneseg.report.comparison.candidates import Candidate, CandidateRun
from sceneseg.report.comparison.class_set import class_ious, class_set, mean
from sceneseg.report.comparison.protocols import absent_rule, by_protocol, unknown_facts, unlike_reasons
from sceneseg.report.comparison.results import (
    ClassSet,
    ComparisonResults,
    Cost,
    Difference,
    Incomparable,
    RankedCandidate,
    Ranking,
    Sources,
    Unscored,
)
from sceneseg.report.comparison.sources import sources
from sceneseg.report.formatting import words

IGNORED_DIFFERENCES = {"name", "data.root", "data.workers", "data.cache", "data.check", "train.checkpoint_minutes"}
"""Keys of a configuration that decide nothing about a score."""


def compare(comparison: ComparisonDirectory, candidates: Sequence[Candidate]) -> ComparisonResults:
    """Rank the candidates of a comparison.

    Args:
        comparison: With its plan.
        candidates: As `sceneseg.report.comparison.candidates.read_candidates` reads them.

    Raises:
        RunError: A file of the comparison is damaged.
    """
    plan, latency, joint = read_plan(comparison), read_latency(comparison), read_joint_scores(comparison)
    groups = by_protocol([candidate for candidate in candidates if candidate.ranked], plan.absent)
    main, others = (groups[0], groups[1:]) if groups else ([], [])
    ranking = _rank(main, plan.absent)
    joined = tuple(c.name for c in main if joint and c.first.folder in joint.evaluations)
    said = answer(ranking, latency, plan.budget)
    classes = ranking.classes
    results = ComparisonResults(
        name=comparison.path.resolve().name,
        environment=environment(),
        command=plan.command,
        budget=plan.budget,
        answer=replace(said, details=(*said.details, *_said_of_joint(joint, joined), *_said_of_classes(classes))),
        protocol=replace(main[0].first.protocol, absent=classes.absent) if main else None,
        ranking=ranking,
        incomparable=tuple(_incomparable(group, main, joint, plan.absent) for group in others),
        without_score=tuple(Unscored(c.name, c.changes, c.reason, c.first.folder) for c in candidates if not c.ranked),
        latency=latency,
        settings=_unlike_settings(main),
        notes=(*unknown_facts(main), *_damage(candidates)),
        joint_scores=joint,
        joined=joined,
    )
    return replace(results, sources=sources(comparison, results, candidates))


def _said_of_joint(joint: JointScores | None, joined: Sequence[str]) -> list[str]:
    """Describe the label space in which all are scored, where some were joined for that."""
    if joint is None or not joined:
        return []
    return [f"All are scored in {joint.label_space}, which the classes of {listing(joined)} were joined to."]


def _said_of_classes(classes: ClassSet) -> list[str]:
    """Describe the classes of the means, where they aren't the whole label space, or the rule isn't the usual one."""
    if classes.left_out:
        number = f"{len(classes.names)} of {classes.total}"
        return [f"Means are over {number} classes, those that the truth of the split has, for all alike."]
    if classes.absent == "zero":
        return [f"Means are over all {classes.total} classes; one that the truth lacks counts 0."]
    return []


def _damage(candidates: Sequence[Candidate]) -> list[str]:
    """Name the files that are there and can't be read."""
    found = {file: reason for c in candidates for run in c.runs for file, reason in run.damaged.items()}
    return [f"{file} is damaged and left out: {reason}" for file, reason in found.items()]


def _incomparable(
    group: Sequence[Candidate], main: Sequence[Candidate], joint: JointScores | None, asked: AbsentRule | None
) -> Incomparable:
    """Return what distinguishes a group, and its ranking in itself."""
    known = joint.apart if joint else {}
    why = {known[c.first.folder] for c in (*group, *main) if c.first.folder in known}
    return Incomparable((*unlike_reasons(group, main, asked), *sorted(why)), _rank(group, asked))


def _rank(candidates: Sequence[Candidate], asked: AbsentRule | None) -> Ranking:
    """Rank candidates of one protocol, with bootstrap intervals for each and for each pair."""
    classes = class_set(candidates, absent_rule(candidates, asked))
    rows = {candidate.name: _row(candidate, classes) for candidate in candidates}
    found = sorted(candidates, key=lambda candidate: rows[candidate.name].mean_iou.value, reverse=True)
    sure = [candidate for candidate in found if all(run.counts is not None for run in candidate.ranked)]
    draws = _draw(sure, classes)
    if draws is not None:
        for number, candidate in enumerate(sure):
            if (bounds := draws.interval(number)) is not None:
                row = rows[candidate.name]
                rows[candidate.name] = replace(row, mean_iou=Interval(row.mean_iou.value, bounds.low, bounds.high))
    ranked = _mark_front([rows[candidate.name] for candidate in found])
    return Ranking(classes, tuple(ranked), tuple(_differences([rows[c.name] for c in sure], draws)))


def _draw(candidates: Sequence[Candidate], classes: ClassSet) -> Bootstrap | None:
    counts = [[run.counts for run in c.ranked if run.counts is not None] for c in candidates]
    if not counts or not classes.names:  # nothing is labeled
        return None
    try:
        return bootstrap(counts, void=candidates[0].first.void, absent=classes.absent)
    except DataError:  # exchanged counts: scores without intervals are better than no page
        return None


def _row(candidate: Candidate, classes: ClassSet) -> RankedCandidate:
    """Return everything that is shown of a candidate, each figure with its file."""
    runs = candidate.ranked
    ious = [class_ious(classes, run) for run in runs]
    seeds = tuple(score for each in ious if (score := mean(each)) is not None)
    return RankedCandidate(
        name=candidate.name,
        changes=candidate.changes,
        model=candidate.first.setting("model.name"),
        folders=tuple(run.folder for run in runs),
        not_finished=tuple(f"{run.folder}: {run.reason}" for run in candidate.runs if run.reason),
        mean_iou=Interval(statistics.fmean(seeds) if seeds else 0.0),
        seeds=seeds,
        pixel_accuracy=_mean([run.scores.means.get("pixel_accuracy") for run in runs if run.scores]),
        classes={name: _mean([each.get(name) for each in ious]) for name in ious[0]},
        objects=_objects(runs),
        cost=_cost(candidate),
        latency=candidate.latency,
        no_latency=candidate.no_latency,
        sources=_sources(candidate),
    )


def _cost(candidate: Candidate) -> Cost:
    first = candidate.first
    speeds = [speed for speed in first.column("images_per_second") if speed is not None and speed > 0]
    return Cost(
        parameters=first.parameters,
        gmacs=first.gmacs,
        training_seconds=_mean([run.seconds for run in candidate.ranked]),
        steps=first.steps,
        images_per_second=statistics.median(speeds) if speeds else None,
    )


def _sources(candidate: Candidate) -> Sources:
    folder, runs = candidate.first.folder, candidate.ranked
    return Sources(
        scores=tuple(f"{run.scored_folder}/metrics.json" for run in runs),
        counts=tuple(f"{run.scored_folder}/confusion.npz" for run in runs),
        model=(f"{folder}/model.json",),
        training_seconds=tuple(f"{run.folder}/history.csv" for run in runs if run.seconds is not None),
        history=(f"{folder}/history.csv",),
        latency=("latency.json",),
    )


def _objects(runs: Sequence[CandidateRun]) -> tuple[BandScores, ...] | None:
    """Return the scores of objects by size, where the data set has them."""
    counts = [run.counts for run in runs]
    known = [c for c in counts if c is not None and c.images and all(i.objects for i in c.images.values())]
    if not known or len(known) < len(counts):
        return None
    bands = [size_bands(c).all for c in known]
    return tuple(
        BandScores(column[0].objects, _mean([band.recall for band in column])) for column in zip(*bands, strict=True)
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _mark_front(ranked: Sequence[RankedCandidate]) -> list[RankedCandidate]:
    """Mark who is on the Pareto front: nobody is both faster and more accurate."""
    fastest, marked = float("inf"), []
    for row in ranked:  # from the most accurate on
        ahead = row.latency is not None and row.latency.p50_ms < fastest
        marked.append(replace(row, on_front=ahead))
        fastest = row.latency.p50_ms if row.latency and ahead else fastest
    return marked


def _differences(rows: Sequence[RankedCandidate], draws: Bootstrap | None) -> Iterable[Difference]:
    if draws is None:
        return
    for (i, a), (j, b) in itertools.combinations(enumerate(rows), 2):
        if (bounds := draws.difference(i, j)) is not None:
            lead = Interval(a.mean_iou.value - b.mean_iou.value, bounds.low, bounds.high)
            yield Difference(a.name, b.name, lead)


def _unlike_settings(candidates: Sequence[Candidate]) -> dict[str, dict[str, str]]:
    """Return the keys of the configuration in which candidates differ: key -> candidate -> value in words."""
    configs = {c.name: dict(_flatten(c.first.contents.config)) for c in candidates if c.first.contents}
    keys = dict.fromkeys(key for config in configs.values() for key in config)
    found = {}
    for key in keys:
        values = {name: words(config.get(key), key) for name, config in configs.items()}
        if len(set(values.values())) > 1 and key not in IGNORED_DIFFERENCES:
            found[key] = values
    return found


def _flatten(config: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
