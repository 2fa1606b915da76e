"""Which candidate is better, how sure that is, and what must not be compared at all."""

import itertools
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from sceneseg.errors import DataError
from sceneseg.evaluation.protocol import other_truth
from sceneseg.metrics.bootstrap import LEVEL, RESAMPLES, Bootstrap, bootstrap
from sceneseg.metrics.semantic import VoidRule
from sceneseg.metrics.sizes import size_bands
from sceneseg.records.environment import environment
from sceneseg.records.runs import Comparison, read_json, write_json
from sceneseg.report.comparison.answer import answer, listing
from sceneseg.report.comparison.candidates import Candidate, Training
from sceneseg.report.comparison.sources import sources
from sceneseg.report.formatting import label, words
from sceneseg.report.run.run_reader import Plain

FORMAT = 1
MEASURED_BY = (
    *("dataset", "split", "images", "split_hash", "label_space", "size", "scored_at"),
    *("void", "scorer", "window", "tta", "label_map"),
)
"""What of a protocol must be alike, so that scores can be ranked. The input size and the precision may differ: they
belong to the candidate, as scores are taken at the labels' own size."""
IGNORED_DIFFERENCES = {"name", "data.root", "data.workers", "data.cache", "data.check", "train.checkpoint_minutes"}
"""Keys of a configuration that decide nothing about a score."""


def compare(comparison: Comparison, candidates: Sequence[Candidate]) -> Plain:
    """Rank the candidates of a comparison and write `comparison.json`; return its contents."""
    plan = read_json(comparison.plan)
    groups = _by_protocol([candidate for candidate in candidates if candidate.ranked])
    main, others = (groups[0], groups[1:]) if groups else ([], [])
    ranked, pairs = _rank(main)
    latency = read_json(comparison.latency) if comparison.latency.is_file() else None
    together = _together(comparison, main)
    said = answer(ranked, pairs, latency, plan.get("budget"))
    if together and together["joined"]:
        names, space = listing(together["joined"]), together["label_space"]
        said["details"].append(f"All are scored in {space}, which the classes of {names} were joined to.")
    results: Plain = {
        "format": FORMAT,
        "name": comparison.path.resolve().name,
        "environment": environment(),
        "command": plan.get("command"),
        "budget": plan.get("budget"),
        "answer": said,
        "protocol": main[0].first.metrics["protocol"] if main and main[0].first.metrics else None,
        "level": LEVEL,
        "resamples": RESAMPLES,
        "candidates": ranked,
        "pairs": pairs,
        "apart": [_apart(group, main, together or {}) for group in others],
        "without_score": [
            {"name": c.name, "changes": c.changes, "reason": c.reason, "folder": c.first.folder}
            for c in candidates
            if not c.ranked
        ],
        "latency": {k: v for k, v in latency.items() if k != "models"} if latency else None,
        "differences": _differences(main),
        "together": together,
    }
    results["sources"] = sources(comparison, results, candidates)
    write_json(comparison.results, results)
    return results


def _by_protocol(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """Put candidates together that can be ranked; the largest group first, as long as they are in the plan's order."""
    groups: list[list[Candidate]] = []
    for candidate in candidates:
        group = next((g for g in groups if not any(_unlike(candidate, other) for other in g)), [])
        if not group:
            groups.append(group)
        group.append(candidate)
    return sorted(groups, key=len, reverse=True)


def _unlike(candidate: Candidate, other: Candidate) -> bool:
    """Return whether two candidates' scores can't be ranked."""
    one, two = candidate.first, other.first
    return _measure(one) != _measure(two) or other_truth(_protocol(one), _protocol(two))


def _protocol(training: Training) -> Plain:
    found: Plain = training.metrics["protocol"] if training.metrics else {}
    return found


def _measure(training: Training) -> dict[str, str]:
    protocol = _protocol(training)
    return {key: words(protocol.get(key), key) for key in MEASURED_BY}


def _together(comparison: Comparison, main: list[Candidate]) -> Plain | None:
    """Return in which label space all are scored, and whose classes were joined for that; None: in their own."""
    if not comparison.together.is_file():
        return None
    found: Plain = read_json(comparison.together)
    joined = [candidate.name for candidate in main if candidate.first.folder in found["evaluations"]]
    return found | {"joined": joined}


def _apart(group: list[Candidate], main: list[Candidate], together: Plain) -> Plain:
    """Say what sets a group apart, and rank it in itself."""
    own, usual = _measure(group[0].first), _measure(main[0].first)
    reasons = [f"{label(key)}: {own[key]} instead of {usual[key]}" for key in own if own[key] != usual[key]]
    if any(other_truth(_protocol(group[0].first), _protocol(c.first)) for c in main):
        reasons.append("The labels of the images were others")
    known = together.get("apart", {})
    why = {known[c.first.folder] for c in (*group, *main) if c.first.folder in known}
    ranked, pairs = _rank(group)
    return {"reasons": [*reasons, *sorted(why)], "candidates": ranked, "pairs": pairs}


def _rank(candidates: list[Candidate]) -> tuple[list[Plain], list[Plain]]:
    """Return the candidates from the best to the worst, and what the bootstrap says of each pair."""
    found = sorted(candidates, key=_score, reverse=True)
    sure = [c for c in found if all(t.counts is not None for t in c.ranked)]
    draws = _draw(sure)
    ranked = [_figures(c) for c in found]
    if draws is not None:
        for number, candidate in enumerate(sure):
            row = ranked[found.index(candidate)]
            row["mean_iou"] |= draws.interval(number)._asdict()
    _mark_front(ranked)
    return ranked, _pairs(sure, draws)


def _draw(candidates: Sequence[Candidate]) -> Bootstrap | None:
    counts = [[t.counts for t in c.ranked if t.counts is not None] for c in candidates]
    if not counts:
        return None
    protocol = (candidates[0].first.metrics or {}).get("protocol", {})
    void: VoidRule = "false_positive" if protocol.get("void") == "false_positive" else "ignore"
    try:
        return bootstrap(counts, void=void)
    except DataError:  # damaged or exchanged counts: scores without intervals are better than no page
        return None


def _score(candidate: Candidate) -> float:
    return statistics.fmean(t.metrics["mean_iou"] for t in candidate.ranked if t.metrics)


def _figures(candidate: Candidate) -> Plain:
    """Return everything that is shown of a candidate, each figure with its file."""
    scored = [t for t in candidate.ranked if t.metrics]
    metrics: list[Plain] = [t.metrics for t in scored if t.metrics]
    files = [f"{t.scored_folder}/metrics.json" for t in scored]
    figures = candidate.figures()
    classes = {name: _mean([m["classes"].get(name, {}).get("iou") for m in metrics]) for name in metrics[0]["classes"]}
    return {
        "name": candidate.name,
        "changes": candidate.changes,
        "model": candidate.first.contents.setting("model.name") if candidate.first.contents else None,
        "folders": [t.folder for t in scored],
        "not_finished": [f"{t.folder}: {t.reason}" for t in candidate.trainings if t.reason],
        "mean_iou": {"value": _score(candidate), "low": None, "high": None, "seeds": [m["mean_iou"] for m in metrics]},
        "pixel_accuracy": _mean([m.get("pixel_accuracy") for m in metrics]),
        "classes": classes,
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


def _pairs(candidates: Sequence[Candidate], draws: Bootstrap | None) -> list[Plain]:
    if draws is None:
        return []
    pairs = []
    for (i, a), (j, b) in itertools.combinations(enumerate(candidates), 2):
        interval = draws.difference(i, j)
        pairs.append(
            {
                "better": a.name,
                "worse": b.name,
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
