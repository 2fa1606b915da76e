"""Where a comparison's models were trained and timed; what was done on one machine is said once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sceneseg.report.comparison.candidates import Candidate
from sceneseg.report.run.run_reader import Plain

FACTS = ("gpu", "cpu", "cores", "threads", "memory_gb", "platform", "python", "sceneseg")
PACKAGES = ("torch",)


class Machine(NamedTuple):
    """A machine with its software, and what was done there."""

    tasks: list[str]
    facts: dict[str, Any]


def machines(rows: Sequence[Plain], candidates: Sequence[Candidate], latency: Plain | None) -> list[Machine]:
    """Return the machines of all ranked candidates, those that most was done on first.

    Args:
        rows: The ranked candidates.
        candidates: All of them.
        latency: Where predictions were timed; None where they weren't.
    """
    ranked = {row["name"] for row in rows}
    done: dict[tuple[tuple[str, Any], ...], list[str]] = {}
    trained: dict[tuple[tuple[str, Any], ...], list[str]] = {}
    for candidate in candidates:
        for training in candidate.ranked if candidate.name in ranked else ():
            if training.contents and training.contents.environment:
                names = trained.setdefault(_facts(training.contents.environment), [])
                names += [] if candidate.name in names else [candidate.name]
    for facts, names in trained.items():
        done.setdefault(facts, []).append("training" if len(trained) == 1 else f"training of {', '.join(names)}")
    if latency:
        done.setdefault(_facts(latency["environment"]), []).append("latency")
    return [Machine(tasks, dict(facts)) for facts, tasks in done.items()]


def _facts(environment: Plain) -> tuple[tuple[str, Any], ...]:
    packages = environment.get("packages")
    found = {key: environment.get(key) for key in FACTS}
    found |= {key: packages.get(key) for key in PACKAGES} if isinstance(packages, dict) else {}
    return tuple((key, str(value)) for key, value in found.items() if value is not None)
