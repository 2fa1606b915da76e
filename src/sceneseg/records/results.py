"""What a run has come to, read from its files: scores with their protocol, and the history; every value is checked."""

import csv
import math
from pathlib import Path
from typing import Any

from sceneseg.errors import RunError
from sceneseg.plain import UnfitError, as_record
from sceneseg.records.run_directory import read_json

Plain = dict[str, Any]


def read_cost(path: Path) -> Plain:
    """Read what is known of a run's model: its name, parameters and cost, as far as they are there.

    Raises:
        RunError: The file is missing, or holds something else.
    """
    found = read_json(path)
    try:
        cost: Plain = as_record(dict[str, Any], found, "the file")
        as_record(str | None, cost.get("name"), "name")
        as_record(list[float] | None, cost.get("size"), "size")
        for key in (key for key in cost if key.startswith("parameters") or key.endswith("macs")):
            as_record(float | None, cost[key], key)
    except UnfitError as error:
        raise RunError(f"{path}: expected the cost of a model; {error}.") from None
    return cost


def read_epochs(path: Path) -> list[dict[str, float | None]]:
    """Read a row for each epoch; None is what wasn't measured in it.

    Raises:
        RunError: The file is missing or damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [
                {key: float(value) if value else None for key, value in row.items()} for row in csv.DictReader(file)
            ]
    except FileNotFoundError:
        raise RunError(f"{path}: there is no such file.") from None
    except (ValueError, TypeError, csv.Error) as error:  # TypeError: a row of more values than there are columns
        raise RunError(
            f"{path}: expected a table of numbers with a row for each epoch; it is damaged ({error})."
        ) from None
    for row in rows:
        if not all(math.isfinite(row.get(key) or 0) for key in ("epoch", "step", "seconds")) or not row.get("epoch"):
            raise RunError(f"{path}: expected the number of its epoch in each row; it is damaged.")
    return rows
