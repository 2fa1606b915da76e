"""`sceneseg bench`: how fast models predict on this machine, engine by engine."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from sceneseg.bench.job import Candidate
    from sceneseg.bench.record import Result, Settings


def bench(
    *,
    models: Annotated[list[str] | None, Parameter(name=("--models", "-m"), negative="", consume_multiple=True)] = None,
    weights: Annotated[
        list[Path] | None, Parameter(name=("--weights", "-w"), negative="", consume_multiple=True)
    ] = None,
    engine: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    size: Annotated[list[int] | None, Parameter(negative="", consume_multiple=True)] = None,
    batch: Annotated[list[int] | None, Parameter(negative="", consume_multiple=True)] = None,
    threads: int | None = None,
    device: str = "auto",
    repetitions: int = 20,
    warmup: int = 3,
    seconds: float = 30.0,
    json: Path | None = None,
) -> None:
    """Measure latency, throughput, memory, loading and start-up of models on this machine.

    Every candidate has a process of its own; the candidates take turns, so that a slower minute hits all alike. Whole
    predictions go from uint8 images in memory to the labels of their pixels.

    Example: sceneseg bench -m fast_scnn,bisenet_v2 --engine eager sceneseg sceneseg_openvino --size 512 1024

    Args:
        models: Untrained models by name, with commas or spaces between them; 19 classes.
        weights: Runs or weights files.
        engine: eager, channels_last, bf16, compile, cuda_graph, sceneseg, sceneseg_openvino, onnxruntime, openvino,
            ...; all that can compute here when absent.
        size: HEIGHT WIDTH of the images; several pairs measure several sizes. 1024 2048 when absent.
        batch: Images at once; several numbers measure each. 1 when absent.
        threads: Threads of each engine on the CPU; all cores when absent.
        device: auto, cpu or cuda.
        repetitions: Timed predictions of each candidate.
        warmup: Untimed ones before.
        seconds: A candidate whose turns have taken so long repeats no more, once it has had three.
        json: Also write everything measured to this file.
    """
    from rich.console import Console

    from sceneseg.bench.record import SCHEMA, Record, Settings
    from sceneseg.bench.table import failures, tables
    from sceneseg.devices import resolve_device
    from sceneseg.environment import environment

    console = Console()
    device = resolve_device(device)
    sizes = _sizes(size or [1024, 2048])
    settings = Settings(max(repetitions, 1), max(warmup, 0), seconds)
    candidates = _candidates(_names(models or []), weights or [], _engines(engine, device, console), device)
    conditions = [(s, b) for s in sizes for b in batch or [1]]
    results: list[Result] = []
    for one_size, one_batch in conditions:
        results += _measure(candidates, one_size, one_batch, device, threads or _cores(), settings)
    for table in tables(results):
        console.print(table)
        console.print()
    for sentence in failures(results):
        console.print(f"[bold red]Not measured:[/] {sentence}", highlight=False, soft_wrap=True)
    if json is not None:
        Record(SCHEMA, environment(), settings, results).write(json)
        console.print(f"written to {json}")


def _measure(
    candidates: "list[Candidate]",
    size: tuple[int, int],
    batch: int,
    device: str,
    threads: int,
    settings: "Settings",
) -> "list[Result]":
    from rich.progress import Progress

    from sceneseg.bench.session import measure

    with Progress(transient=True) as progress:
        task = progress.add_task("", total=None)

        def say(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        return measure(candidates, size, batch, device, threads, settings, say)


def _names(models: list[str]) -> list[str]:
    return [name for word in models for name in word.split(",") if name]


def _sizes(numbers: list[int]) -> list[tuple[int, int]]:
    from sceneseg.errors import ConfigError

    if len(numbers) % 2 or min(numbers) < 1:
        found = " ".join(map(str, numbers))
        raise ConfigError(f"--size takes pairs of HEIGHT WIDTH in pixels, found: {found}. Example: --size 1024 2048")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _engines(wanted: list[str] | None, device: str, console: Any) -> list[str]:
    """Return the names of the engines that are measured; say which can't be and why."""
    from sceneseg.bench.engines import engines
    from sceneseg.errors import ConfigError

    asked = [engines.resolve(name) for word in wanted or [] for name in word.split(",") if name]
    chosen = []
    for name in asked or engines.names():
        maker: Any = engines.get(name)
        if reason := maker.missing(device) or ("reads exported files, which can't be made yet" if maker.file else None):
            console.print(f"[yellow]Without {name}:[/] {reason}", highlight=False)
        else:
            chosen.append(name)
    if not chosen:
        raise ConfigError(
            f"None of the engines asked for computes on {device} here. Known: {', '.join(engines.names())}."
        )
    return list(dict.fromkeys(chosen))


def _candidates(names: list[str], weights: list[Path], engines: list[str], device: str) -> "list[Candidate]":
    """Check that every model can be made, and pair each with every engine."""
    from sceneseg import runs
    from sceneseg.bench.job import Candidate
    from sceneseg.errors import ConfigError
    from sceneseg.models import models
    from sceneseg.tasks._base import segments

    if not names and not weights:
        raise ConfigError(
            "What shall be measured? Give models with -m fast_scnn,unet or trained ones with -w runs/NAME."
        )
    found: list[tuple[str, str | None, dict[str, Any]]] = []
    for name in map(models.resolve, names):
        if not segments(name):
            raise ConfigError(f"{name} gives an image one class and can't segment. Choose another model with -m.")
        found.append((name, None, {"name": name}))
    for path in weights:
        file = runs.find_weights(path)
        runs.read_header(file)
        found.append((path.name if path.is_dir() else path.stem, str(file), {}))
    return [Candidate(name, engine, file, model) for name, file, model in found for engine in engines]
