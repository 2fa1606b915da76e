"""`sceneseg export`: one file that takes pictures and gives labels, compared with the model before it is kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.ranges import MANY, Count, Range, Side
from sceneseg.wording import counted

if TYPE_CHECKING:
    from sceneseg.arrays import ImageArray
    from sceneseg.evaluation.request import Request
    from sceneseg.export.gate import Verdict
    from sceneseg.inference.predictor import SemanticModel

Size = tuple[Side, Side]
DOUBTFUL = 0.95  # part of the pixels
KNOWS_LITTLE = 0.1  # mean IoU


def export(
    *,
    weights: Annotated[Path, Parameter(alias="-w")],
    to: str = "onnx",
    precision: Literal["fp32", "fp16", "int8"] = "fp32",
    output: Literal["labels", "label_ids", "probabilities", "coarse"] = "labels",
    size: Annotated[Size | None, Parameter(negative="")] = None,
    target_size: Annotated[Size | None, Parameter(alias="-t", negative="")] = None,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    root: Annotated[str | None, Parameter(alias="-p")] = None,
    split: str = "val",
    images: Annotated[int, Range(0, MANY)] = 50,
    tolerance: Annotated[float, Range(0, 100)] | None = None,
    calibration: Count | None = None,
) -> None:
    """Export a model as one file: pictures (batch, height, width, 3) uint8 in, labels out, everything between inside.

    Before the file is kept, it and the model predict labeled images. When mean IoU drops by more than the
    tolerance, nothing is written and the exit code is 1.

    Example: sceneseg export -w runs/demo/fast_scnn --to onnx

    Example: sceneseg export -w runs/demo/fast_scnn --to openvino --precision int8

    Args:
        weights: Run directory or weights file.
        to: onnx, openvino, torchscript, or tensorrt: an ONNX file and the script that builds the engine on the device.
        precision: What the network computes in. int8 takes the range of every value from training images.
        output: labels: train ids. label_ids: those that the data set stores. probabilities: of each class at each
            pixel. coarse: the network's logits, at its own stride.
        size: HEIGHT WIDTH of the pictures, if they all have the same: simpler and faster; any size when absent.
        target_size: HEIGHT WIDTH the network sees; as in training when absent.
        out: The file to write; when absent exports/MODEL-PRECISION.onnx (.xml, .torchscript) in the run, or beside
            a weights file and named after it. What else was asked for (output, sizes) stands in the name.
        data: Data set to compare on; the one the model was trained on when absent.
        root: Its folder; the one of the training when absent.
        split: Its split.
        images: How many of its images are compared; 0 writes a file that says it wasn't compared.
        tolerance: By how many points (of 100) mean IoU may drop; 0.1, and 1 for int8, when absent.
        calibration: Training images for int8; 64 when absent.
    """
    from sceneseg.errors import refuse_options
    from sceneseg.evaluation.request import Request
    from sceneseg.evaluation.scoring import open_scenes
    from sceneseg.export import formats
    from sceneseg.export.job import Export, check_name, file_name
    from sceneseg.inference.predictor import SemanticModel
    from sceneseg.records.targets import check_targets

    refuse_options(
        {"calibration": calibration if precision != "int8" else None},
        "only the precision int8 takes ranges from training images. Leave it out.",
    )
    refuse_options(
        {"tolerance": tolerance if images == 0 else None}, "with 0 images nothing is compared. Leave it out."
    )
    to = formats.resolve(to)
    if out is not None:
        check_name(out, to)
        check_targets(out)
    model = SemanticModel.load(weights, "cpu")
    model.input.target_size = target_size or model.input.target_size
    request = Request(data, root, split)
    pictures = _pictures(request, model, weights, calibration or 64) if precision == "int8" else []
    made = Export.make(model, to, output, precision, size, pictures)
    folder, name = (weights, model.network.name) if weights.is_dir() else (weights.parent, weights.stem)
    file = out or folder / "exports" / file_name(to, name, output, precision, size, target_size)
    if images:
        verdict = made.check(
            open_scenes(request, model, weights), images, None if tolerance is None else tolerance / 100
        )
        _show(verdict, to)
        if not verdict.passed:
            from sceneseg.export.gate import GateError

            raise GateError(
                f"Mean IoU drops by {100 * (verdict.before - verdict.after):.2f} points, more than the "
                f"{100 * verdict.tolerance:g} that --tolerance allows. Nothing was written."
            )
    else:
        print("not compared with the model, as --images 0 asks for")
    written = made.write(file)
    others = "".join(f" and {one.name}" for one in written[1:])
    print(f"written  {file}{others}  ({sum(one.stat().st_size for one in written) / 1e6:.1f} MB)")
    print(f"next     {made.artifact.advice(file)}")


def _pictures(request: "Request", model: "SemanticModel", weights: Path, count: int) -> "list[ImageArray]":
    """Read training images at equal distances."""
    from dataclasses import replace

    from rich.progress import track

    from sceneseg.evaluation.scoring import open_scenes
    from sceneseg.loading.scene_samples import evenly

    training = open_scenes(replace(request, split="train"), model, weights)
    return [training.read(i).image for i in track(evenly(len(training), count), "reading", transient=True)]


def _show(verdict: "Verdict", to: str) -> None:
    """Print what came of the comparison."""
    from rich.table import Table

    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("IoU")
    for column in ("model", to, "change"):
        table.add_column(column, justify="right")
    rows = {**verdict.classes, "mean": (verdict.before, verdict.after)}
    for name, (before, after) in rows.items():
        change = f"{round(100 * (after - before), 2) + 0.0:+.2f}"  # + 0.0: no -0.00
        table.add_row(name, f"{before:.2%}", f"{after:.2%}", change, style="bold" if name == "mean" else None)
    out = terminal()
    out.print(table)
    out.print(f"{counted(verdict.images, 'image')}, {verdict.equal:.3%} of the pixels get the same label")
    if verdict.before < KNOWS_LITTLE:
        out.print("the model scores so little that its IoU can hardly drop: look at the equal pixels", style="yellow")
    if verdict.equal < DOUBTFUL and verdict.passed:
        out.print("many pixels differ, though the score holds: look at some predictions", style="yellow")
