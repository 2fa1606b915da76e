"""Where the figures of a comparison come from: every file, and what it says."""

from collections.abc import Iterable, Sequence

from sceneseg.records.run_directory import ComparisonDirectory
from sceneseg.report.comparison.candidates import Candidate
from sceneseg.report.run.run_reader import Plain

OF_ROWS = {
    "mean_iou": "Mean IoU, classes and protocol",
    "interval": "Intervals, differences and objects",
    "parameters": "Parameters",
    "gmacs": "Cost",
    "training_seconds": "Training time",
    "steps": "Steps",
    "p50_ms": "Latency",
    "p95_ms": "p95",
    "peak_mib": "Memory",
}
"""Figure of a candidate -> what the page calls it."""


def sources(comparison: ComparisonDirectory, results: Plain, candidates: Sequence[Candidate]) -> list[Plain]:
    """List which figures come from which files; figures from the same files share an entry.

    Args:
        comparison: The files' paths begin in its folder.
        results: The contents of comparison.json: those that were ranked, and those that are shown apart.
        candidates: What was read of them.
    """
    rows = [*results["candidates"], *(row for group in results["apart"] for row in group["candidates"])]
    named = {title: [file for row in rows for file in row["sources"].get(key, [])] for key, title in OF_ROWS.items()}
    shown = [candidate for name in (row["name"] for row in rows) for candidate in candidates if candidate.name == name]
    trained = [training.folder for candidate in shown for training in candidate.ranked]
    broken = results["without_score"] or [row for row in rows if row["not_finished"]]
    named |= {
        "Budget": [comparison.plan.name] if results["budget"] else [],
        "Label space of the scores": [comparison.together.name],
        "Learning curves": [f"{candidate.first.folder}/history.csv" for candidate in shown],
        "Scores of the scenes": [f"{candidate.first.scored_folder}/samples/samples.json" for candidate in shown],
        "Configurations": [f"{candidate.first.folder}/config.yaml" for candidate in shown],
        "Machines": [*(f"{folder}/environment.json" for folder in trained), comparison.latency.name],
        "Trainings without a score": [comparison.progress.name] if broken else [],
    }
    return _by_files({title: _there(comparison, files) for title, files in named.items()})


def _there(comparison: ComparisonDirectory, files: Iterable[str]) -> tuple[str, ...]:
    return tuple(file for file in dict.fromkeys(files) if (comparison.path / file).is_file())


def _by_files(named: dict[str, tuple[str, ...]]) -> list[Plain]:
    """Put titles together whose files are the same; what has none is left out."""
    found: dict[tuple[str, ...], list[str]] = {}
    for title, files in named.items():
        if files:
            found.setdefault(files, []).append(title)
    return [{"figures": ", ".join(titles), "files": list(files)} for files, titles in found.items()]
