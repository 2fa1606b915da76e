"""`sceneseg export`: a model for another engine, compared with the original before it is written."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from sceneseg.data.scene import SceneDataset
    from sceneseg.export.gate import Verdict
    from sceneseg.tasks.semantic import SemanticModel

Size = tuple[int, int]
ENDINGS = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".torchscript.pt", "tensorrt": ".onnx"}


def export(
    *,
    weights: Annotated[Path, Parameter(alias="-w")],
    to: Literal["onnx", "openvino", "torchscript", "tensorrt"] = "onnx",
    precision: Literal["fp32", "fp16", "int8"] = "fp32",
    output: Literal["labels", "label_ids", "probabilities", "coarse"] = "labels",
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    size: Annotated[Size | None, Parameter(negative="")] = None,
    target_size: Annotated[Size | None, Parameter(alias="-t", negative="")] = None,
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    root: Annotated[str | None, Parameter(alias="-p")] = None,
    split: str = "val",
    images: int = 50,
    calibration: int = 64,
    tolerance: float | None = None,
) -> None:
    """Write a model for ONNX Runtime, OpenVINO, libtorch or TensorRT: pictures in, labels out, everything inside.

    First both are compared on labelled images. When mean IoU falls by more than the tolerance, nothing is written.

    Example: sceneseg export -w runs/demo --to onnx

    Args:
        weights: Run directory or weights file.
        to: onnx: one file for pictures of any size. openvino: .xml and .bin. torchscript: pictures of one --size.
            tensorrt: the ONNX file and the script that builds the engine on the device.
        precision: fp32, fp16, or int8 (static, its ranges learned from training images).
        output: labels: train ids. label_ids: the data set's own. probabilities: of each class at each pixel. coarse:
            the network's logits at its own stride.
        out: File to write; in the run, or beside the weights, when absent.
        size: HEIGHT WIDTH of the pictures, for torchscript and tensorrt; that of the first image when absent.
        target_size: HEIGHT WIDTH the network sees; as in training when absent.
        data: Data set of the comparison; that of the training when absent.
        root: Its folder.
        split: Its part.
        images: How many of its images, taken at even distances.
        calibration: For int8: how many training images.
        tolerance: By how much mean IoU may fall, in points (of 100); 0.1, and 1 for int8, when absent.
    """
    from sceneseg.errors import ConfigError
    from sceneseg.tasks.scoring import Request, open_scenes
    from sceneseg.tasks.semantic import SemanticModel

    if to == "torchscript" and (output != "labels" or precision != "fp32"):
        raise ConfigError("TorchScript is written with --output labels and --precision fp32 alone.")
    model = SemanticModel.load(weights, "cpu")
    model.input.precision = "32-true"
    model.input.target_size = target_size or model.input.target_size
    dataset = open_scenes(Request(data, root, split), model, weights)
    train = open_scenes(Request(data, root, "train"), model, weights) if precision == "int8" else None
    if out is not None and not out.name.endswith(ENDINGS[to]):
        raise ConfigError(f"--out {out}: a file for {to} ends with {ENDINGS[to]}.")
    name = model.network.name if precision == "fp32" else f"{model.network.name}_{precision}"
    file = out or (weights if weights.is_dir() else weights.parent) / "exports" / f"{name}{ENDINGS[to]}"
    picture = dataset.read(0).image
    shape = size or (picture.shape[0], picture.shape[1])
    write, run = _build(model, to, precision, output, shape, _pictures(train, calibration))
    verdict = _compare(model, run, dataset, images, precision, tolerance)
    _show(verdict, to)
    if not verdict.passed:
        print(f"Not written: mean IoU fell by more than {100 * verdict.tolerance:g} points (--tolerance).")
        raise SystemExit(1)
    write(file, verdict)
    print(f"written to {file}")
    if to == "onnx":
        print(f"next     python -m sceneseg.run {file} PHOTO.jpg      (needs onnxruntime, numpy and pillow alone)")


def _build(
    model: "SemanticModel", to: str, precision: Any, output: Any, size: Size, pictures: list[Any]
) -> tuple["Callable[[Path, Verdict], None]", "Callable[[Any], Any]"]:
    """Return what writes the exported model, and what predicts train ids with it."""
    from sceneseg.runs import atomic, write_text

    if to == "torchscript":
        from sceneseg.export import torchscript

        traced = torchscript.build(model, size)

        def write_traced(file: Path, _: "Verdict") -> None:
            with atomic(file) as temporary:
                torchscript.save(traced, temporary)

        return write_traced, lambda picture: torchscript.run(traced, picture)

    import json

    import onnx as onnx_package

    from sceneseg.export import onnx, openvino, tensorrt

    graph = onnx.build(model, output, precision, pictures)
    judged = graph if output == "labels" else onnx.build(model, "labels", precision, pictures)
    if to == "openvino":
        converted = openvino.convert(graph)

        def write_openvino(file: Path, _: "Verdict") -> None:
            file.parent.mkdir(parents=True, exist_ok=True)
            openvino.save(converted, file, half=precision == "fp16")

        return write_openvino, openvino.runner(converted if judged is graph else openvino.convert(judged))

    def write(file: Path, verdict: "Verdict") -> None:
        for entry in graph.metadata_props:
            entry.value = json.dumps({**json.loads(entry.value), "gate": verdict.to_dict()})
        with atomic(file) as temporary:
            onnx_package.save(graph, str(temporary))
        if to == "tensorrt":
            write_text(file.with_suffix(".sh"), tensorrt.script(file.stem, precision, size))
            file.with_suffix(".sh").chmod(0o755)
            print(f"build the engine on the device with {file.with_suffix('.sh')}")

    return write, onnx.runner(judged)


def _pictures(train: "SceneDataset | None", count: int) -> list[Any]:
    import numpy as np

    if train is None:
        return []
    chosen = np.linspace(0, len(train) - 1, min(count, len(train))).round().astype(int).tolist()
    return [train.read(i).image for i in chosen]


def _compare(
    model: "SemanticModel", run: Any, dataset: "SceneDataset", images: int, precision: str, tolerance: float | None
) -> "Verdict":
    import numpy as np
    from rich.progress import Progress

    from sceneseg.export.gate import TOLERANCE, compare

    chosen = np.linspace(0, len(dataset) - 1, min(images, len(dataset))).round().astype(int).tolist()
    allowed = TOLERANCE[precision] if tolerance is None else tolerance / 100
    with Progress(transient=True) as progress:
        task = progress.add_task("comparing with the original", total=len(chosen))
        scenes = (dataset.read(i) for i in chosen)
        return compare(model, run, scenes, allowed, lambda: progress.advance(task))


def _show(verdict: "Verdict", to: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("class", "original", to, "change"):
        table.add_column(column, justify="left" if column == "class" else "right")
    rows = {**verdict.classes, "mean IoU": (verdict.before, verdict.after)}
    for name, (before, after) in rows.items():
        style = "bold" if name == "mean IoU" else None
        table.add_row(name, f"{before:.2%}", f"{after:.2%}", f"{100 * (after - before):+.2f}", style=style)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{verdict.images} images, {verdict.equal:.3%} of the pixels get the same class")
