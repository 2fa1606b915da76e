"""The file of a comparison's results (`comparison.json`): every figure of the page, and the files it comes from."""

from dataclasses import asdict

from sceneseg.metrics.bootstrap import LEVEL, RESAMPLES
from sceneseg.records.run_directory import ComparisonDirectory, write_json
from sceneseg.records.scores import BandScores
from sceneseg.report.comparison.figures import FIGURES
from sceneseg.report.comparison.results import (
    ClassSet,
    ComparisonResults,
    Difference,
    RankedCandidate,
    Ranking,
)

FORMAT = 1


def write_results(comparison: ComparisonDirectory, results: ComparisonResults) -> None:
    """Write `comparison.json` into a comparison's folder."""
    write_json(comparison.results, plain(results))


def plain(results: ComparisonResults) -> dict[str, object]:
    """Return results as plain data, in the order of the file."""
    latency = results.latency.to_dict() if results.latency else {}
    joint = asdict(results.joint_scores) | {"joined": results.joined} if results.joint_scores else None
    return {
        "format": FORMAT,
        "name": results.name,
        "environment": results.environment.to_dict(),
        "command": results.command,
        "budget": results.budget.to_dict() if results.budget else None,
        "answer": asdict(results.answer),
        "protocol": results.protocol.to_dict() if results.protocol else None,
        "classes": _classes(results.ranking.classes),
        "level": LEVEL,
        "resamples": RESAMPLES,
        "candidates": [_candidate(candidate) for candidate in results.ranking.candidates],
        "pairs": [_difference(difference) for difference in results.ranking.differences],
        "apart": [{"reasons": group.reasons, **_ranking(group.ranking)} for group in results.incomparable],
        "without_score": [asdict(candidate) for candidate in results.without_score],
        "latency": {key: value for key, value in latency.items() if key != "models"} or None,
        "differences": results.settings,
        "notes": results.notes,
        "together": joint,
        "sources": [asdict(source) for source in results.sources],
    }


def _ranking(ranking: Ranking) -> dict[str, object]:
    return {
        "classes": _classes(ranking.classes),
        "candidates": [_candidate(candidate) for candidate in ranking.candidates],
        "pairs": [_difference(difference) for difference in ranking.differences],
    }


def _classes(classes: ClassSet) -> dict[str, object]:
    number = len(classes.names)
    return {"number": number, "of": classes.total, "absent": classes.absent, "left_out": classes.left_out}


def _candidate(row: RankedCandidate) -> dict[str, object]:
    known = {figure: value for figure in FIGURES if (value := figure.value(row)) is not None}
    return {
        "name": row.name,
        "changes": row.changes,
        "model": row.model,
        "folders": row.folders,
        "not_finished": row.not_finished,
        "mean_iou": asdict(row.mean_iou) | {"seeds": row.seeds},
        "pixel_accuracy": row.pixel_accuracy,
        "classes": row.classes,
        "objects": None if row.objects is None else [_band(band) for band in row.objects],
        **{figure.key: value for figure, value in known.items()},
        "no_latency": row.no_latency,
        "sources": {
            "mean_iou": row.sources.scores,
            "interval": row.sources.counts,
            **{figure.key: figure.files(row) for figure in known},
        },
        "pareto": row.on_front,
    }


def _band(band: BandScores) -> dict[str, float | None]:
    return {"objects": band.objects, "recall": band.recall}


def _difference(difference: Difference) -> dict[str, object]:
    return {
        "better": difference.better,
        "worse": difference.worse,
        "difference": difference.lead.value,
        "low": difference.lead.low,
        "high": difference.lead.high,
        "real": difference.is_real,
    }
