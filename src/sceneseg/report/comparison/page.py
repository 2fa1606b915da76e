"""The page of a comparison: the answer, the plots that show why, and where each figure comes from; one HTML file."""

from collections.abc import Sequence
from pathlib import Path

from sceneseg.metrics.bootstrap import LEVEL, RESAMPLES
from sceneseg.records.run_directory import ComparisonDirectory, write_text
from sceneseg.report.comparison.candidates import Candidate, read_candidates
from sceneseg.report.comparison.classes import BANDS, class_rows
from sceneseg.report.comparison.columns import columns, commands, intervals
from sceneseg.report.comparison.costs import charts, equal_costs
from sceneseg.report.comparison.curves import curves
from sceneseg.report.comparison.differences import from_best, in_both_directions
from sceneseg.report.comparison.machines import machines
from sceneseg.report.comparison.ranking import compare
from sceneseg.report.comparison.results import ComparisonResults
from sceneseg.report.comparison.results_file import write_results
from sceneseg.report.comparison.scenes import legend, scenes
from sceneseg.report.comparison.speed import RULE
from sceneseg.report.comparison.summary import cards, facts, headline, in_bold
from sceneseg.report.render import render

TEMPLATE = "comparison.html.j2"
MAX_BYTES = 4_000_000
MARKUP_BYTES = 60_000
"""Reserved for the markup around the images, which is written after they are fitted."""
COLORS = 12


def write_comparison(path: Path) -> ComparisonResults:
    """Rank what a comparison has so far, and write `comparison.json` and `comparison.html` into its folder.

    Args:
        path: The folder, usually ``runs/<name>``.

    Returns:
        What was written. The page is smaller than 4 MB however much is compared.

    Raises:
        RunError: The folder holds no comparison, or a file of it is damaged.
    """
    comparison = ComparisonDirectory(path)
    candidates = read_candidates(comparison)
    results = compare(comparison, candidates)
    write_results(comparison, results)
    view = _view(results, candidates)
    empty = render(TEMPLATE, view | {"scenes": []}, "comparison")
    shown = scenes(results.ranking, candidates, max(0, MAX_BYTES - MARKUP_BYTES - len(empty.encode())))
    write_text(comparison.page, render(TEMPLATE, view | {"scenes": shown}, "comparison"))
    return results


def _view(results: ComparisonResults, candidates: Sequence[Candidate]) -> dict[str, object]:
    """Return what the template prints; a part that isn't there is None or empty."""
    ranking = results.ranking
    colors = {candidate.name: f"var(--c{i % COLORS + 1})" for i, candidate in enumerate(candidates)}
    return {
        "results": results,
        "rows": ranking.candidates,
        "colors": colors,
        "headline": headline(results.answer, colors),
        "details": [in_bold(text, colors) for text in results.answer.details],
        "notes": [in_bold(text, colors) for text in results.notes],
        "rule_of_speed": RULE,
        "cards": cards(results),
        "facts": facts(results, len(candidates)),
        "charts": charts(results, colors),
        "intervals": intervals(ranking.candidates, colors),
        "columns": columns(ranking.candidates),
        "behind": ranking.behind_best,
        "pairs": in_both_directions(ranking.differences),
        "from_best": from_best(ranking, colors),
        "resamples": RESAMPLES,
        "by_chance": round((1 - LEVEL) * len(ranking.differences)),
        "equal": equal_costs(results),
        "legend": legend(ranking, candidates),
        "classes": class_rows(ranking.candidates),
        "bands": BANDS if ranking.candidates and all(row.objects for row in ranking.candidates) else (),
        "curves": curves(ranking.candidates, candidates, colors),
        "machines": machines(results, candidates),
        "repeat": commands(candidates),
    }
