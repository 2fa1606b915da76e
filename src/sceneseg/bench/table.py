"""A measurement as a table in the terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich.table import Table

from sceneseg.bench.record import Result

COLUMNS = (
    "engine",
    "whole\np50 ms",
    "\np95 ms",
    "images\nper s",
    "×\neager",
    "network\np50 ms",
    "equal\npixels",
    "start\ns",
    "load\ns",
    "peak\nMiB",
)


def tables(results: Sequence[Result]) -> list[Table]:
    """Return one table per size, batch and model; the fastest engine stands first."""

    def conditions(result: Result) -> tuple[object, ...]:
        return (result.size, result.batch, result.device, result.threads)

    return [_table(list(group)) for _, group in groupby(results, lambda r: (conditions(r), r.name))]


def ratio(result: Result, results: Sequence[Result]) -> float | None:
    """Return how many times faster than eager torch a whole prediction is; None without either."""
    eager = next((r.whole for r in results if r.engine == "eager" and r.name == result.name), None)
    return None if eager is None or result.whole is None else eager.p50_ms / result.whole.p50_ms


def _table(results: list[Result]) -> Table:
    first = results[0]
    weights = "" if first.weights else ", untrained"
    where = f"{first.threads} threads" if first.device == "cpu" else first.device
    title = f"{first.name}{weights}: {first.size[0]} x {first.size[1]}, batch {first.batch}, {where}"
    table = Table(
        title=title, box=None, header_style="dim", padding=(0, 1, 0, 0), title_justify="left", title_style="bold"
    )
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "engine" else "right", no_wrap=True)
    for result in sorted(results, key=lambda r: r.whole.p50_ms if r.whole else float("inf")):
        if result.error is None:
            table.add_row(*_cells(result, results))
    return table


def failures(results: Sequence[Result]) -> list[str]:
    """Return a sentence for each candidate that couldn't be measured."""
    return [f"{r.name}, {r.engine}, {r.size[0]} x {r.size[1]}, batch {r.batch}: {r.error}" for r in results if r.error]


def _cells(result: Result, results: Sequence[Result]) -> list[str]:
    whole, network, memory = result.whole, result.network, result.memory
    assert whole is not None
    assert memory is not None
    factor = ratio(result, results)
    peak = memory.gpu_peak_mib or memory.peak_mib
    return [
        result.engine,
        f"{whole.p50_ms:,.1f}",
        f"{whole.p95_ms:,.1f}",
        f"{whole.images_per_s:,.1f}",
        "" if factor is None else f"{factor:.2f}",
        "" if network is None else f"{network.p50_ms:,.1f}",
        "" if result.equal_pixels is None else f"{result.equal_pixels:.2%}",
        f"{result.start_s:.1f}",
        f"{(result.load_s or 0) + (result.first_s or 0):.1f}",
        "" if peak is None else f"{peak:,.0f}",
    ]
