"""Which candidate is better, how sure that is, and what must not be compared at all."""

import itertools
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from sceneseg.errors import DataError
from sceneseg.metrics.bootstrap import LEVEL, RESAMPLES, Bootstrap, bootstrap
from sceneseg.metrics.semantic import VoidRule
from sceneseg.metrics.sizes import size_bands
from sceneseg.records.comparison_plan import read_latency, read_plan, read_together
from sceneseg.records.environment import environment
from sceneseg.records.run_directory import ComparisonDirectory, write_json
from sceneseg.report.comparison.answer import answer, listing
from sceneseg.report.comparison.candidates import Candidate, Training
from sceneseg.report.comparison.class_set import ClassSet, class_set, mean
from sceneseg.report.comparison.protocols import absent_rule, by_protocol, protocol_of, unknown_facts, unlike_reasons
from sceneseg.report.comparison.sources import sources
from sceneseg.report.formatting import words
from sceneseg.report.run.run_reader import Plain

FORMAT = 1
IGNORED_DIFFERENCES = {"name", "data.root", "data.workers", "data.cache", "data.check", "train.checkpoint_minutes"}
"""Keys of a configuration that decide nothing about a score."""


def compare(comparison: ComparisonDirectory, candidates: Sequence[Candidate]) -> Plain:
    """Rank the candidates of a comparison and write `comparison.json`; return its contents."""
    plan = read_plan(comparison)
    asked = plan.get("absent")
    groups = by_protocol([candidate for candidate in candidates if candidate.ranked], asked)
    main, others = (groups[0], groups[1:]) if groups else ([], [])
    classes = class_set(main, absent_rule(main, asked))
    ranked, pairs = _rank(main, classes)
    latency = read_latency(comparison)
    together = _together(comparison, main)
    said = answer(ranked, pairs, latency, plan.get("budget"))
    if together and together["joined"]:
        names, space = listing(together["joined"]), together["label_space"]
        said["details"].append(f"All are scored in {space}, which the classes of {names} were joined to.")
    said["details"] += _said_of_classes(classes)
    results: Plain = {
        "format": FORMAT,
        "name": comparison.path.resolve().name,
        "environment": environment(),
        "command": plan.get("command"),
        "budget": plan.get("budget"),
        "answer": said,
        "protocol": protocol_of(main[0].first) | {"absent": classes.absent} if main else None,
        "classes": classes.plain(),
        "level": LEVEL,
        "resamples": RESAMPLES,
        "candidates": ranked,
        "pairs": pairs,
        "apart": [_apart(group, main, together or {}, asked) for group in others],
        "without_score": [
            {"name": c.name, "changes": c.changes, "reason": c.reason, "folder": c.first.folder}
            for c in candidates
            if not c.ranked
        ],
        "latency": {k: v for k, v in latency.items() if k != "models"} if latency else None,
        "differences": _differences(main),
        "notes": [*unknown_facts(main), *_damage(candidates)],
        "together": together,
    }
    results["sources"] = sources(comparison, results, candidates)
    write_json(comparison.results, results)
    return results


def _together(comparison: ComparisonDirectory, main: list[Candidate]) -> Plain | None:
    """Return in which label space all are scored, and whose classes were joined for that; None: in their own."""
    if (found := read_together(comparison)) is None:
        return None
    joined = [candidate.name for candidate in main if candidate.first.folder in found["evaluations"]]
    return found | {"joined": joined}


def _said_of_classes(classes: ClassSet) -> list[str]:
    """Say over how many classes the means are, where it isn't all of the label space, or isn't the usual rule."""
    number, of = len(classes.names), len(classes.names) + len(classes.left_out)
    if classes.left_out:
        return [f"Means are over {number} of {of} classes, those that the truth of the split has, for all alike."]
    return [f"Means are over all {of} classes; one that the truth lacks counts 0."] if classes.absent == "zero" else []


def _damage(candidates: Sequence[Candidate]) -> list[str]:
    """Name the files that are there and can't be read."""
    found = {file: reason for c in candidates for t in c.trainings for file, reason in t.damaged.items()}
    return [f"{file} is damaged and left out: {reason}" for file, reason in found.items()]


def _apart(group: list[Candidate], main: list[Candidate], together: Plain, asked: str | None) -> Plain:
    """Say what sets a group apart, and rank it in itself."""
    known = together.get("apart", {})
    why = {known[c.first.folder] for c in (*group, *main) if c.first.folder in known}
    classes = class_set(group, absent_rule(group, asked))
    ranked, pairs = _rank(group, classes)
    reasons = [*unlike_reasons(group, main, asked), *sorted(why)]
    return {"reasons": reasons, "classes": classes.plain(), "candidates": ranked, "pairs": pairs}


def _rank(candidates: list[Candidate], classes: ClassSet) -> tuple[list[Plain], list[Plain]]:
    """Return the candidates from the best to the worst, and what the bootstrap says of each pair."""
    rows = {candidate.name: _figures(candidate, classes) for candidate in candidates}
    found = sorted(candidates, key=lambda candidate: _score(rows[candidate.name]), reverse=True)
    sure = [c for c in found if all(t.counts is not None for t in c.ranked)]
    draws = _draw(sure, classes)
    ranked = [rows[c.name] for c in found]
    if draws is not None:
        for number, candidate in enumerate(sure):
            interval = draws.interval(number)
            rows[candidate.name]["mean_iou"] |= interval._asdict() if interval else {}
    _mark_front(ranked)
    return ranked, _pairs([rows[c.name] for c in sure], draws)


def _draw(candidates: Sequence[Candidate], classes: ClassSet) -> Bootstrap | None:
    counts = [[t.counts for t in c.ranked if t.counts is not None] for c in candidates]
    if not counts or not classes.names:  # nothing is labeled
        return None
    try:
        return bootstrap(counts, void=_void(candidates[0].first), absent=classes.absent)
    except DataError:  # exchanged counts: scores without intervals are better than no page
        return None


def _void(training: Training) -> VoidRule:
    return "false_positive" if protocol_of(training).get("void") == "false_positive" else "ignore"


def _score(row: Plain) -> float:
    value: float = row["mean_iou"]["value"]
    return value


def _figures(candidate: Candidate, classes: ClassSet) -> Plain:
    """Return everything that is shown of a candidate, each figure with its file."""
    scored = [t for t in candidate.ranked if t.metrics]
    metrics: list[Plain] = [t.metrics for t in scored if t.metrics]
    files = [f"{t.scored_folder}/metrics.json" for t in scored]
    figures = candidate.figures()
    ious = [classes.ious(t, _void(t)) for t in scored]
    seeds = [score for each in ious if (score := mean(each)) is not None]
    return {
        "name": candidate.name,
        "changes": candidate.changes,
        "model": candidate.first.contents.setting("model.name") if candidate.first.contents else None,
        "folders": [t.folder for t in scored],
        "not_finished": [f"{t.folder}: {t.reason}" for t in candidate.trainings if t.reason],
        "mean_iou": {"value": statistics.fmean(seeds) if seeds else 0.0, "low": None, "high": None, "seeds": seeds},
        "pixel_accuracy": _mean([m.get("pixel_accuracy") for m in metrics]),
        "classes": {name: _mean([each.get(name) for each in ious]) for name in ious[0]},
        "objects": _objects(scored),
        **{key: value for key, (value, _) in figures.items()},
        "no_latency": candidate.no_latency,
        "sources": {
            "mean_iou": files,
            "interval": [file.replace("metrics.json", "confusion.npz") for file in files],
            **{key: files for key, (_, files) in figures.items()},
        },
    }


def _objects(trainings: list[Training]) -> list[Plain] | None:
    """Return what became of objects by size, where the data set tells them apart."""
    counts = [t.counts for t in trainings]
    known = [c for c in counts if c is not None and c.images and all(i.objects for i in c.images.values())]
    if not known or len(known) < len(counts):
        return None
    bands = [size_bands(c)["all"] for c in known]
    return [
        {"objects": column[0]["objects"], "recall": _mean([band["recall"] for band in column])}
        for column in zip(*bands, strict=True)
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _mark_front(ranked: list[Plain]) -> None:
    """Mark who is on the Pareto front: nobody is both faster and more accurate."""
    fastest = float("inf")
    for row in ranked:  # from the most accurate on
        row["pareto"] = row.get("p50_ms") is not None and row["p50_ms"] < fastest
        if row["pareto"]:
            fastest = row["p50_ms"]


def _pairs(rows: Sequence[Plain], draws: Bootstrap | None) -> list[Plain]:
    if draws is None:
        return []
    pairs = []
    for (i, a), (j, b) in itertools.combinations(enumerate(rows), 2):
        interval = draws.difference(i, j)
        if interval is None:
            continue
        pairs.append(
            {
                "better": a["name"],
                "worse": b["name"],
                "difference": _score(a) - _score(b),
                **interval._asdict(),
                "real": interval.excludes_zero,
            }
        )
    return pairs


def _differences(candidates: list[Candidate]) -> dict[str, dict[str, str]]:
    """Return the keys of the configuration in which candidates differ: key -> candidate -> value in words."""
    flat = {c.name: dict(_flatten(c.first.contents.config)) for c in candidates if c.first.contents}
    keys = dict.fromkeys(key for values in flat.values() for key in values)
    found = {}
    for key in keys:
        values = {name: words(own.get(key), key) for name, own in flat.items()}
        if len(set(values.values())) > 1 and key not in IGNORED_DIFFERENCES:
            found[key] = values
    return found


def _flatten(config: Plain, prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
