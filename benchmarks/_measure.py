"""What all benchmarks share: calls timed in turns, their ratios, and the file with results and the machine's facts."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rich import print_json
from rich.progress import Progress

from sceneseg.bench.latency import in_turns, wait_for_cuda
from sceneseg.records import run_directory
from sceneseg.records.environment import environment

RESULTS = Path(__file__).parent / "results"


class Times(NamedTuple):
    """Median milliseconds by name.

    Args:
        wall_ms: On the clock.
        cpu_ms: Of all threads together; what other programs do meanwhile doesn't count.
    """

    wall_ms: dict[str, float]
    cpu_ms: dict[str, float]

    def per(self, parts: int) -> "Times":
        """Return the times of one of so many equal parts."""
        return Times(*({name: round(ms / parts, 3) for name, ms in times.items()} for times in self))


def time_in_turns(
    what: str, calls: Mapping[str, Callable[[], object]], rounds: int, device: str = "cpu", warmup: int = 1
) -> Times:
    """Time calls that take turns, after rounds of warming up.

    Args:
        what: For the progress.
        calls: What is timed, by name.
        rounds: How often each.
        device: On cuda, the wall time ends when the GPU has finished.
        warmup: Untimed rounds before.
    """
    cpu: dict[str, list[float]] = {name: [] for name in calls}

    def with_cpu(name: str) -> Callable[[], object]:
        def timed() -> None:
            start = time.process_time()
            calls[name]()
            cpu[name].append(time.process_time() - start)

        return timed

    # A progress that draws itself from a thread of its own would draw within what is timed.
    with Progress(transient=True, auto_refresh=False) as progress:
        task = progress.add_task(what, total=None)
        wall = in_turns(
            {name: with_cpu(name) for name in calls},
            rounds,
            warmup,
            wait_for_cuda if device == "cuda" else None,
            lambda done, total: progress.update(task, completed=done, total=total, refresh=True),
        )
    return Times(*({name: milliseconds(seconds[name][-rounds:]) for name in calls} for seconds in (wall, cpu)))


def milliseconds(seconds: Sequence[float]) -> float:
    """Return the median in milliseconds."""
    return round(1000 * median(seconds), 3)


def ratios(times: Mapping[str, float], base: str) -> dict[str, float]:
    """Return how many times faster than `base` each is."""
    return {name: round(times[base] / ms, 2) for name, ms in times.items()}


def require(holds: bool, what: str) -> None:
    """End the benchmark when what its figures rest on isn't so."""
    if not holds:
        raise SystemExit(f"Nothing is written: {what}.")


def write(
    name: str, settings: Mapping[str, Any], results: Any, file: Path | None, quick: bool, packages: Sequence[str] = ()
) -> None:
    """Print results and write them with the facts of the machine.

    Args:
        name: Of the benchmark.
        settings: What was asked for.
        results: What was found, as plain data.
        file: Where to; results/NAME.json when absent, but a trial is only printed.
        quick: This was a trial.
        packages: Whose versions matter, beside those that always do.
    """
    versions = {package: metadata.version(package) for package in packages}
    facts = environment().to_dict()
    facts["packages"] |= versions
    words = (Path(word) for word in shlex.split(facts["command"]))
    facts["command"] = shlex.join(word.name if word.is_absolute() else str(word) for word in words)  # nobody's folders
    print_json(data=results)
    if file is None and quick:
        return
    file = file or RESULTS / f"{name}.json"
    record = {"benchmark": name, "quick": quick, "settings": settings, "environment": facts, "results": results}
    run_directory.write_json(file, record)
    print(f"written to {file}")
