"""`sceneseg bench`: how fast models predict on this machine, engine by engine."""

import os
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.ranges import MANY, Count, Positive, Range, Side

if TYPE_CHECKING:
    from sceneseg.bench.job import Candidate
    from sceneseg.bench.record import Result, Settings

CALIBRATION = 8  # pictures


def bench(
    *,
    models: Annotated[list[str] | None, Parameter(name=("--models", "-m"), negative="", consume_multiple=True)] = None,
    weights: Annotated[
        list[Path] | None, Parameter(name=("--weights", "-w"), negative="", consume_multiple=True)
    ] = None,
    engine: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    size: Annotated[list[Side] | None, Parameter(negative="", consume_multiple=True)] = None,
    batch: Annotated[list[Count] | None, Parameter(negative="", consume_multiple=True)] = None,
    threads: Count | None = None,
    device: str = "auto",
    repetitions: Count = 20,
    warmup: Annotated[int, Range(0, MANY)] = 3,
    seconds: Positive = 30.0,
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
    from rich.text import Text

    from sceneseg.bench.record import SCHEMA, Record, Settings
    from sceneseg.bench.table import failures, tables
    from sceneseg.devices import resolve_device
    from sceneseg.records.environment import environment
    from sceneseg.records.targets import check_targets
    from sceneseg.records.temporaries import temporary_folder

    check_targets(json)
    console = terminal()
    device = resolve_device(device)
    sizes = _sizes(size or [1024, 2048])
    settings = Settings(repetitions, warmup, seconds)
    wanted, engines = _models(_names(models or []), weights or []), _engines(engine, device, console)
    results: list[Result] = []
    with temporary_folder("sceneseg-bench") as folder:
        with console.status("exporting models for the engines that read files"):
            candidates = [
                pair
                for number, model in enumerate(wanted)
                for pair in _with_engines(model, engines, folder / str(number))
            ]
        for one_size, one_batch in product(sizes, batch or [1]):
            results += _measure(candidates, one_size, one_batch, device, threads or _cores(), settings)
    for table in tables(results):
        console.print(table)
        console.print()
    for sentence in failures(results):
        console.print(Text.assemble(("Not measured:", "bold red"), f" {sentence}"), soft_wrap=True)
    if json is not None:
        Record(SCHEMA, environment().to_dict(), settings, results).write(json)
        console.print(f"written to {json}")


def _measure(
    candidates: "list[Candidate]",
    size: tuple[int, int],
    batch: int,
    device: str,
    threads: int,
    settings: "Settings",
) -> "list[Result]":
    from rich.markup import escape
    from rich.progress import Progress

    from sceneseg.bench.session import measure

    with Progress(transient=True) as progress:
        task = progress.add_task("", total=None)

        def say(what: str, done: int, total: int) -> None:
            progress.update(task, description=escape(what), completed=done, total=total)

        return measure(candidates, size, batch, device, threads, settings, say)


def _names(models: list[str]) -> list[str]:
    return [name for word in models for name in word.split(",") if name]


def _sizes(numbers: list[int]) -> list[tuple[int, int]]:
    from sceneseg.errors import ConfigError

    if len(numbers) % 2:
        found = " ".join(map(str, numbers))
        raise ConfigError(f"--size takes pairs of HEIGHT WIDTH in pixels, found: {found}. Example: --size 1024 2048")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _engines(wanted: list[str] | None, device: str, console: Any) -> list[str]:
    """Return the names of the engines that are measured; say which can't be and why."""
    from rich.text import Text

    from sceneseg.bench.engines import engines
    from sceneseg.errors import ConfigError

    asked = [engines.resolve(name) for word in wanted or [] for name in word.split(",") if name]
    chosen = []
    for name in asked or engines.names():
        maker: Any = engines.get(name)
        if reason := maker.missing(device):
            console.print(Text.assemble((f"Without {name}:", "yellow"), f" {reason}"))
        else:
            chosen.append(name)
    if not chosen:
        raise ConfigError(
            f"None of the engines asked for computes on {device} here. Known: {', '.join(engines.names())}."
        )
    return list(dict.fromkeys(chosen))


def _models(names: list[str], weights: list[Path]) -> "list[Candidate]":
    """Check that every model can be made, and return it without an engine, under a name that no other has."""
    from sceneseg.bench.job import Candidate
    from sceneseg.bench.names import telling_names
    from sceneseg.errors import ConfigError
    from sceneseg.models import models
    from sceneseg.records import run_directory
    from sceneseg.tasks.base import segments

    if not names and not weights:
        raise ConfigError(
            "What shall be measured? Give models with -m fast_scnn,unet or trained ones with -w runs/NAME."
        )
    resolved = [models.resolve(name) for name in names]
    for name in resolved:
        if not segments(name):
            raise ConfigError(f"{name} gives an image one class and can't segment. Choose another model with -m.")
    for path in weights:
        run_directory.read_header(run_directory.find_weights(path))
    titles = iter(telling_names([*resolved, *weights]))
    found = [Candidate(next(titles), "", None, {"name": name}) for name in resolved]
    return found + [Candidate(next(titles), "", str(path)) for path in weights]


def _with_engines(model: "Candidate", engines: list[str], folder: Path) -> "list[Candidate]":
    """Pair a model with every engine, and export it for those that read files."""
    from dataclasses import replace

    from sceneseg.bench.engines import engines as shelf

    makers: dict[str, Any] = {name: shelf.get(name) for name in engines}
    needed = {maker.file for maker in makers.values() if maker.file}
    exported = _export(model, needed, folder) if needed else model
    pairs = []
    for name, maker in makers.items():
        calibration = exported.calibration if maker.file and maker.file.endswith("int8") else None
        files = exported.files if maker.file else {}
        pairs.append(replace(exported, engine=name, files=files, calibration=calibration))
    return pairs


def _export(model: "Candidate", contents: set[str], folder: Path) -> "Candidate":
    """Write the ONNX files of a model into its folder, whole and ending at the coarse logits; or say why not."""
    from dataclasses import replace

    import onnx as package

    from sceneseg.bench.engines.torch_engine import load
    from sceneseg.errors import ScenesegError
    from sceneseg.export import onnx
    from sceneseg.export.plan import make_plan

    files: dict[str, str] = {}
    calibration = None
    folder.mkdir()
    try:
        loaded = load(model, "cpu")
        bodies: dict[str, package.ModelProto] = {}
        for content in sorted(contents):
            engine, _, precision = content.rpartition("/")
            plans = [make_plan(loaded, output, precision, None, engine) for output in ("labels", "coarse")]
            if precision not in bodies:
                pictures: list[Any] = []
                if precision == "int8":
                    pictures, calibration = _calibration(model)
                bodies[precision] = onnx.translate(loaded, plans[0], pictures)
            for plan, ending in zip(plans, ("", "_coarse"), strict=True):
                file = folder / f"{content.replace('/', '_')}{ending}.onnx"
                package.save(onnx.finish(bodies[precision], loaded, plan), file)
                files[content + ending] = str(file)
    except ScenesegError as error:
        return replace(model, not_exported=str(error))
    return replace(model, files=files, calibration=calibration)


def _calibration(model: "Candidate") -> tuple[list[Any], str]:
    """Return the pictures from which int8 learns its ranges, and what they are."""
    from sceneseg.bench.images import street_images
    from sceneseg.errors import ScenesegError
    from sceneseg.evaluation.request import Request
    from sceneseg.evaluation.scoring import open_scenes
    from sceneseg.inference.predictor import SemanticModel

    if model.weights is not None:
        try:
            loaded = SemanticModel.load(model.weights, "cpu")
            scenes = open_scenes(Request(None, None, "train"), loaded, Path(model.weights))
            chosen = range(0, len(scenes), max(len(scenes) // CALIBRATION, 1))[:CALIBRATION]
            return [scenes.read(i).image for i in chosen], f"{len(chosen)} training images"
        except ScenesegError:
            pass  # the data isn't here; said by the other answer, which stands in the record
    return list(street_images((512, 1024), CALIBRATION)), f"{CALIBRATION} drawn streets"
