"""The files of a comparison as they are read: the plan, what became of it, and latencies, each checked first.

A comparison's folder may come from anywhere, and its plan says which folders are trained into; so none of them leads
out of it.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sceneseg.errors import ConfigError, RunError
from sceneseg.records.names import check_name
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory, read_json

Plain = dict[str, Any]
FORMAT = 1
BUDGETS = ("time", "steps", "epochs")
ABSENT_RULES = ("skip", "zero")


def read_plan(comparison: ComparisonDirectory) -> Plain:
    """Read what is compared.

    Raises:
        RunError: The file is missing, damaged or of a newer version, or would train into a folder elsewhere.
    """
    if not comparison.plan.is_file():
        raise RunError(f"{comparison.path}: holds no comparison (no plan.json). `sceneseg compare` makes one.")
    plan = _read(comparison.plan, _check_plan)
    folders = [run["folder"] for candidate in plan["candidates"] for run in candidate["runs"]]
    names = [candidate["name"] for candidate in plan["candidates"]]
    for what, given in (("folder", folders), ("candidate", names)):
        if twice := [one for one in given if given.count(one) > 1]:
            raise RunError(f'{comparison.plan}: expected every {what} once, found "{twice[0]}" twice.')
    for candidate in plan["candidates"]:
        for run in candidate["runs"]:
            if "config" in run:
                own_run(comparison, run["folder"])
    return plan


def own_run(comparison: ComparisonDirectory, folder: str) -> RunDirectory:
    """Return a run that is trained for a comparison: it lies in the comparison's folder and nowhere else.

    Raises:
        RunError: It would lie elsewhere, or in the place of one of the comparison's files.
    """
    run = comparison.run(folder)
    files = (comparison.plan, comparison.progress, comparison.together, comparison.latency)
    try:
        check_name(folder)
        inside = run.path not in (*files, comparison.results, comparison.page) and not run.path.is_symlink()
    except ConfigError:
        inside = False
    if not inside:
        raise RunError(
            f'{comparison.plan}: expected the plain name of a folder in {comparison.path}, found "{folder}". Nothing '
            f"is trained, written or removed outside of it. Correct the plan, or make the comparison again."
        )
    return run


def read_progress(comparison: ComparisonDirectory) -> dict[str, Plain]:
    """Read what became of each run so far, by its folder; nothing where none has begun.

    Raises:
        RunError: The file is damaged.
    """
    if not comparison.progress.is_file():
        return {}
    found: dict[str, Plain] = _read(comparison.progress, _check_progress)["runs"]
    return found


def read_latency(comparison: ComparisonDirectory) -> Plain | None:
    """Read the latencies and where they were measured; None where nothing was.

    Raises:
        RunError: The file is damaged.
    """
    return _read(comparison.latency, _check_latency) if comparison.latency.is_file() else None


def read_together(comparison: ComparisonDirectory) -> Plain | None:
    """Read in which label space candidates of unlike ones are scored; None where each is in its own.

    Raises:
        RunError: The file is damaged.
    """
    return _read(comparison.together, _check_together) if comparison.together.is_file() else None


class _UnexpectedError(ValueError):
    """What was expected instead."""


def _read(file: Path, check: Callable[[Any], None]) -> Plain:
    data = read_json(file)
    try:
        check(data)
    except _UnexpectedError as error:
        cure = "Make the comparison again." if file.name == "plan.json" else "Delete it, then give the command again."
        raise RunError(f"{file}: damaged, expected {error}. {cure}") from None
    found: Plain = data
    return found


def _expect(fits: object, what: str) -> None:
    if not fits:
        raise _UnexpectedError(what)


def _check_plan(data: Any) -> None:
    _expect(isinstance(data, dict) and isinstance(data.get("candidates"), list), "a list of candidates")
    version = data.get("format", FORMAT)
    _expect(type(version) is int and version <= FORMAT, f"format {FORMAT} or older, found {version!r}")
    budget = data.get("budget")
    if budget is not None:
        _expect(isinstance(budget, dict) and budget.get("kind") in BUDGETS, f"a budget of {', '.join(BUDGETS)}")
        _expect(_is_number(budget.get("amount")) and budget["amount"] > 0, "a positive amount of the budget")
    for key in ("split", "score_in", "command"):
        _expect(isinstance(data.get(key), str | None), f"words under {key}")
    _expect(data.get("absent") in (None, *ABSENT_RULES), f"absent: {' or '.join(ABSENT_RULES)}")
    _expect(data["candidates"], "one candidate or more")
    for candidate in data["candidates"]:
        _check_candidate(candidate, budget)


def _check_candidate(data: Any, budget: Plain | None) -> None:
    _expect(isinstance(data, dict) and isinstance(data.get("name"), str) and data["name"], "a name of each candidate")
    _expect(isinstance(data.get("changes"), dict), f"named changes of {data['name']}")
    _expect(isinstance(data.get("runs"), list) and data["runs"], f"runs of {data['name']}")
    for run in data["runs"]:
        folder = run.get("folder") if isinstance(run, dict) else None
        _expect(isinstance(folder, str) and folder and "\0" not in folder, f"a folder of each run of {data['name']}")
        if "config" in run:
            _expect(isinstance(run["config"], dict), f"the configuration of {folder}")
            _expect(budget is not None, f"a budget for {folder}, which is trained")


def _check_progress(data: Any) -> None:
    _expect(isinstance(data, dict) and isinstance(data.get("runs"), dict), "runs by folder")
    for folder, noted in data["runs"].items():
        _expect(isinstance(noted, dict), f"named values of {folder}")
        _expect(isinstance(noted.get("reason", ""), str), f"words as the reason of {folder}")
        _expect(type(noted.get("steps", 1)) is int, f"a number of steps of {folder}")


def _check_latency(data: Any) -> None:
    _expect(isinstance(data, dict) and isinstance(data.get("models"), dict), "models by name")
    _expect(isinstance(data.get("environment"), dict) and isinstance(data.get("device"), str), "device and environment")
    size = data.get("size")
    _expect(isinstance(size, list) and len(size) == 2 and all(map(_is_number, size)), "a size of two numbers")
    _expect(_is_number(data.get("repetitions")), "a number of repetitions")
    _expect(isinstance(data.get("failed", {}), dict), "failures by name")
    for name, times in data["models"].items():
        _expect(isinstance(times, dict), f"times of {name}")
        given = {key: value for key, value in times.items() if key.endswith(("_ms", "_mib")) and value is not None}
        _expect(all(_is_number(value) and value >= 0 for value in given.values()), f"numbers as the times of {name}")
        _expect(given.get("p50_ms", 0) > 0, f"a p50_ms of {name}")


def _check_together(data: Any) -> None:
    _expect(isinstance(data, dict) and isinstance(data.get("label_space"), str), "the name of a label space")
    for key in ("evaluations", "apart"):
        _expect(isinstance(data.get(key), dict), f"{key} by folder")
        _expect(all(isinstance(value, str) for value in data[key].values()), f"words under {key}")
    names = data["evaluations"].values()
    _expect(not any(".." in name.split("/") or name.startswith("/") for name in names), "evaluations inside the runs")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
