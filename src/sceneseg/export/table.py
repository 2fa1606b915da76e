"""Table of a verdict: IoU of the model and of the exported file, class by class."""

from rich.table import Table

from sceneseg.export.gate import Verdict


def verdict_table(verdict: Verdict, to: str) -> Table:
    """Return the IoU of every class that occurs, and their mean, before and after.

    Args:
        verdict: Of the gate.
        to: The format of the exported file.
    """
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("IoU")
    for column in ("model", to, "change"):
        table.add_column(column, justify="right")
    rows = {**verdict.classes, "mean": (verdict.before, verdict.after)}
    for name, (before, after) in rows.items():
        change = f"{round(100 * (after - before), 2) + 0.0:+.2f}"  # + 0.0: no -0.00
        table.add_row(name, f"{before:.2%}", f"{after:.2%}", change, style="bold" if name == "mean" else None)
    return table
