"""`sceneseg bench`: how fast models predict on this machine, engine by engine."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.cli.progress import Bars
from sceneseg.config import panels
from sceneseg.errors import ConfigError
from sceneseg.ranges import MANY, Count, Positive, Range, Side


def bench(
    *,
    models: Annotated[
        list[str] | None, Parameter(group=panels.MODEL, name=("--models", "-m"), negative="", consume_multiple=True)
    ] = None,
    weights: Annotated[
        list[Path] | None, Parameter(group=panels.MODEL, name=("--weights", "-w"), negative="", consume_multiple=True)
    ] = None,
    engines: Annotated[
        list[str] | None, Parameter(group=panels.RUNTIME, name="--engine", negative="", consume_multiple=True)
    ] = None,
    sizes: Annotated[
        list[Side] | None, Parameter(group=panels.DATA, name="--size", negative="", consume_multiple=True)
    ] = None,
    batches: Annotated[
        list[Count] | None, Parameter(group=panels.DATA, name="--batch", negative="", consume_multiple=True)
    ] = None,
    threads: Annotated[Count | None, Parameter(group=panels.RUNTIME)] = None,
    device: Annotated[str, Parameter(group=panels.RUNTIME)] = "auto",
    repetitions: Annotated[Count, Parameter(group=panels.RUNTIME)] = 20,
    warmup: Annotated[Annotated[int, Range(0, MANY)], Parameter(group=panels.RUNTIME)] = 3,
    seconds: Annotated[Positive, Parameter(group=panels.RUNTIME)] = 30.0,
    json: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
) -> None:
    """Measure latency, throughput, memory, loading and start-up of models on this machine.

    Every candidate has a process of its own; the candidates take turns, so that a slower minute hits all alike. Whole
    predictions go from uint8 images in memory to the labels of their pixels.

    Example: sceneseg bench -m fast_scnn,bisenet_v2 --engine eager sceneseg sceneseg_openvino --size 512 1024

    Args:
        models: Untrained models by name, with commas or spaces between them; 19 classes.
        weights: Runs or weights files.
        engines: eager, channels_last, bf16, compile, cuda_graph, sceneseg, sceneseg_openvino, onnxruntime, openvino,
            ...; all that can compute here when absent.
        sizes: HEIGHT WIDTH of the images; several pairs measure several sizes. 1024 2048 when absent.
        batches: Images at once; several numbers measure each. 1 when absent.
        threads: Threads of each engine on the CPU; all cores when absent.
        device: auto, cpu or cuda.
        repetitions: Timed predictions of each candidate.
        warmup: Untimed ones before.
        seconds: A candidate whose turns have taken so long repeats no more, once it has had three.
        json: Also write everything measured to this file.
    """
    from rich.text import Text

    from sceneseg.api.benchmark import benchmark
    from sceneseg.bench.table import failures, tables

    console = terminal()
    with Bars() as bars:
        record = benchmark(
            models or (),
            weights or (),
            engines=engines or (),
            sizes=_pairs(sizes or [1024, 2048]),
            batches=batches or (1,),
            threads=threads,
            device=device,
            repetitions=repetitions,
            warmup=warmup,
            seconds=seconds,
            json=json,
            on_progress=bars,
        )
    for table in tables(record.results):
        console.print(table)
        console.print()
    for sentence in failures(record.results):
        console.print(Text.assemble(("Not measured:", "bold red"), f" {sentence}"), soft_wrap=True)
    if json is not None:
        console.print(f"written to {json}")


def _pairs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return heights and widths that were typed one after the other as sizes."""
    if len(numbers) % 2:
        found = " ".join(map(str, numbers))
        raise ConfigError(f"--size takes pairs of HEIGHT WIDTH in pixels, found: {found}. Example: --size 1024 2048")
    return list(zip(numbers[::2], numbers[1::2], strict=True))
