"""`sceneseg models`: every architecture and what it costs."""

import re
from typing import Any

from sceneseg.cli.output import terminal

COLUMNS = ("name", "parameters", "parameters_training", "gmacs", "output_stride", "source")


def models(*, json: bool = False) -> None:
    """List all architectures with parameters and operations (19 classes, 1024 x 2048), counted anew.

    Args:
        json: Print a JSON list of name, parameters, parameters_training, gmacs, output_stride, source.
    """
    import json as writer

    rows = catalog()
    if json:
        print(writer.dumps(rows, indent=2))
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for name in ("model", "parameters", "GMACs", "stride", "source"):
        table.add_column(name, justify="left" if name in {"model", "source"} else "right", no_wrap=name != "source")
    for row in rows:
        cells = (f"{row['parameters'] / 1e6:.2f} M", f"{row['gmacs']:.1f}", str(row["output_stride"]), row["source"])
        table.add_row(row["name"], *cells[:-1], re.sub(r'"[^"]*", ', "", cells[-1]))  # without the title
    terminal().print(table)


def catalog() -> list[dict[str, Any]]:
    """Return a row for every segmentation architecture in its default form."""
    from sceneseg.models.cost import model_cost, source
    from sceneseg.models.cost import segmentation_models as names

    rows = []
    for name in names():
        cost = model_cost(name, 19, (1024, 2048))
        facts = cost.to_dict() | {"gmacs": round(cost.gmacs or 0.0, 2), "source": source(name)}
        rows.append({key: facts[key] for key in COLUMNS})
    return rows
