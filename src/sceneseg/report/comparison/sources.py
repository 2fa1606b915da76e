"""Sources of a comparison's figures: every file, and what it contains."""

from collections.abc import Iterable, Sequence

from sceneseg.records.run_directory import ComparisonDirectory
from sceneseg.report.comparison.candidates import Candidate
from sceneseg.report.comparison.figures import FIGURES
from sceneseg.report.comparison.results import ComparisonResults, RankedCandidate, SourceFiles


def sources(
    comparison: ComparisonDirectory, results: ComparisonResults, candidates: Sequence[Candidate]
) -> tuple[SourceFiles, ...]:
    """List which figures come from which files; figures from the same files share an entry.

    Args:
        comparison: The files' paths begin in its folder.
        results: Those that are ranked, and those that can't be compared with them.
        candidates: As they were read.
    """
    rankings = [results.ranking, *(group.ranking for group in results.incomparable)]
    rows = [row for ranking in rankings for row in ranking.candidates]
    by_name = {candidate.name: candidate for candidate in candidates}
    shown = [by_name[row.name] for row in rows]
    trained = [run.folder for candidate in shown for run in candidate.ranked]
    broken = results.without_score or [row for row in rows if row.not_finished]
    titles = {
        **_of_figures(rows),
        "Budget": [comparison.plan.name] if results.budget else [],
        "Label space of the scores": [comparison.joint_scores.name],
        "Learning curves": [f"{candidate.first.folder}/history.csv" for candidate in shown],
        "Scores of the scenes": [f"{candidate.first.scored_folder}/samples/samples.json" for candidate in shown],
        "Configurations": [f"{candidate.first.folder}/config.yaml" for candidate in shown],
        "Machines": [*(f"{folder}/environment.json" for folder in trained), comparison.latency.name],
        "Trainings without a score": [comparison.progress.name] if broken else [],
    }
    return _by_files({title: _there(comparison, files) for title, files in titles.items()})


def _of_figures(rows: Sequence[RankedCandidate]) -> dict[str, list[str]]:
    """Return the files of each figure, by its title."""
    found = {
        "Mean IoU, classes and protocol": [file for row in rows for file in row.sources.scores],
        "Intervals, differences and objects": [file for row in rows for file in row.sources.counts],
    }
    for figure in FIGURES:
        known = [row for row in rows if figure.title and figure.value(row) is not None]
        found |= {figure.title: [file for row in known for file in figure.files(row)]} if known else {}
    return found


def _there(comparison: ComparisonDirectory, files: Iterable[str]) -> tuple[str, ...]:
    return tuple(file for file in dict.fromkeys(files) if (comparison.path / file).is_file())


def _by_files(titles: dict[str, tuple[str, ...]]) -> tuple[SourceFiles, ...]:
    """Join titles whose files are the same; what has none is left out."""
    found: dict[tuple[str, ...], list[str]] = {}
    for title, files in titles.items():
        if files:
            found.setdefault(files, []).append(title)
    return tuple(SourceFiles(", ".join(names), files) for files, names in found.items())
