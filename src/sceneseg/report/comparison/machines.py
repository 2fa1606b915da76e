"""Machines of a comparison: where its models were trained and timed; what was done on one machine is named once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sceneseg.records.environment import Environment
from sceneseg.report.comparison.candidates import Candidate
from sceneseg.report.comparison.results import ComparisonResults

FACTS = ("gpu", "cpu", "cores", "threads", "memory_gb", "platform", "python", "sceneseg")
PACKAGES = ("torch",)

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Machine:
    """A machine with its software.

    Args:
        tasks: What was done there.
        facts: What is known of it.
    """

    tasks: list[str]
    facts: dict[str, str]

    @property
    def name(self) -> str:
        """Its GPU, or its CPU where it has none."""
        return self.facts.get("gpu") or self.facts.get("cpu") or "this machine"


def machines(results: ComparisonResults, candidates: Sequence[Candidate]) -> list[Machine]:
    """Return the machines of all ranked candidates, those that most was done on first.

    Args:
        results: Of the comparison.
        candidates: All that were read.
    """
    ranked = {row.name for row in results.ranking.candidates}
    trained: dict[Facts, list[str]] = {}
    for candidate in candidates:
        for run in candidate.ranked if candidate.name in ranked else ():
            if run.contents and run.contents.environment:
                names = trained.setdefault(_facts(run.contents.environment), [])
                names += [] if candidate.name in names else [candidate.name]
    done: dict[Facts, list[str]] = {}
    for facts, names in trained.items():
        done.setdefault(facts, []).append("training" if len(trained) == 1 else f"training of {', '.join(names)}")
    if results.latency:
        done.setdefault(_facts(results.latency.environment), []).append("latency")
    return [Machine(tasks, dict(facts)) for facts, tasks in done.items()]


def _facts(environment: Environment) -> Facts:
    found = {key: getattr(environment, key) for key in FACTS}
    found |= {key: environment.packages.get(key) for key in PACKAGES}
    return tuple((key, str(value)) for key, value in found.items() if value is not None)
