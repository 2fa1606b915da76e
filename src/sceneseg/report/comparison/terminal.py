"""Result of a comparison on a terminal: the table of the ranked candidates, and remarks."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from sceneseg.report.formatting import milliseconds, percent


def ranking_table(candidates: Iterable[Mapping[str, Any]]) -> Table:
    """Return a row for each candidate, the best first.

    Args:
        candidates: As comparison.json has them.
    """
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in ("model", "mean IoU, %", "95 % interval", "ms for an image", "parameters"):
        table.add_column(title, justify="left" if title == "model" else "right")
    for row in candidates:
        score = row["mean_iou"]
        ends = "–" if score["low"] is None else f"{percent(score['low'])} to {percent(score['high'])}"
        speed = milliseconds(row["p50_ms"]) if row.get("p50_ms") is not None else "–"
        table.add_row(row["name"], percent(score["value"]), ends, speed, f"{row.get('parameters', 0) / 1e6:.2f} M")
    return table


def remarks(results: Mapping[str, Any]) -> list[str]:
    """Return what is to be known beside the ranking: what can't be compared or scored, and notes.

    Args:
        results: The contents of comparison.json.
    """
    found = []
    for group in results["apart"]:
        names = ", ".join(row["name"] for row in group["candidates"])
        found.append(f"not comparable: {names}\n  {'; '.join(group['reasons'])}")
    found += [f"no score: {row['name']}: {row['reason']}" for row in results["without_score"]]
    return found + [f"note: {note.replace('`', '')}" for note in results["notes"]]
