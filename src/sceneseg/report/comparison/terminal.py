"""Table of a comparison: the ranked candidates as a terminal shows them."""

from rich.table import Table

from sceneseg.report.comparison.results import ComparisonResults, Ranking
from sceneseg.report.formatting import milliseconds, percent


def ranking_table(ranking: Ranking) -> Table:
    """Return a row for each candidate, the best first."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in ("model", "mean IoU, %", "95 % interval", "ms for an image", "parameters"):
        table.add_column(title, justify="left" if title == "model" else "right")
    for row in ranking.candidates:
        ends = " to ".join(map(percent, row.mean_iou.ends)) if row.mean_iou.ends else "–"
        speed = milliseconds(row.latency.p50_ms) if row.latency else "–"
        table.add_row(row.name, percent(row.mean_iou.value), ends, speed, f"{(row.cost.parameters or 0) / 1e6:.2f} M")
    return table


def remarks(results: ComparisonResults) -> list[str]:
    """Return what the ranking doesn't show: what can't be compared or scored, and notes."""
    found = []
    for group in results.incomparable:
        names = ", ".join(row.name for row in group.ranking.candidates)
        found.append(f"not comparable: {names}\n  {'; '.join(group.reasons)}")
    found += [f"no score: {candidate.name}: {candidate.reason}" for candidate in results.without_score]
    return found + [f"note: {note.replace('`', '')}" for note in results.notes]
