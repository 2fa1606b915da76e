"""`sceneseg export`: one file that takes images and gives labels, compared with the model before it is written."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.cli.progress import Bars
from sceneseg.config import panels
from sceneseg.ranges import MANY, Count, Range, Side
from sceneseg.wording import counted

if TYPE_CHECKING:
    from sceneseg.export.gate import Verdict

Size = tuple[Side, Side]


def export(
    *,
    weights: Annotated[Path, Parameter(group=panels.MODEL, alias="-w")],
    to: Annotated[str, Parameter(group=panels.OUTPUT)] = "onnx",
    precision: Annotated[Literal["fp32", "fp16", "int8"], Parameter(group=panels.OUTPUT)] = "fp32",
    output: Annotated[
        Literal["labels", "label_ids", "probabilities", "coarse"], Parameter(group=panels.OUTPUT)
    ] = "labels",
    size: Annotated[Size | None, Parameter(group=panels.TRANSFORMS, negative="")] = None,
    target_size: Annotated[Size | None, Parameter(group=panels.TRANSFORMS, alias="-t", negative="")] = None,
    out: Annotated[Path | None, Parameter(group=panels.OUTPUT, alias="-o")] = None,
    data: Annotated[str | None, Parameter(group=panels.DATA, alias="-d")] = None,
    root: Annotated[str | None, Parameter(group=panels.DATA, alias="-p")] = None,
    split: Annotated[str, Parameter(group=panels.DATA)] = "val",
    images: Annotated[Annotated[int, Range(0, MANY)], Parameter(group=panels.DATA)] = 50,
    tolerance: Annotated[Annotated[float, Range(0, 100)] | None, Parameter(group=panels.OUTPUT)] = None,
    calibration: Annotated[Count | None, Parameter(group=panels.DATA)] = None,
) -> None:
    """Export a model as one file: images (batch, height, width, 3) uint8 in, labels out, everything between inside.

    Before the file is written, it and the model predict labeled images. When mean IoU drops by more than the
    tolerance, nothing is written and the exit code is 1.

    Example: sceneseg export -w runs/demo/fast_scnn --to onnx

    Example: sceneseg export -w runs/demo/fast_scnn --to openvino --precision int8

    Args:
        weights: Run directory or weights file.
        to: onnx, openvino, torchscript, or tensorrt: an ONNX file and the script that builds the engine on the device.
        precision: What the network computes in. int8 takes the range of every value from training images.
        output: labels: train ids. label_ids: those that the data set stores. probabilities: of each class at each
            pixel. coarse: the network's logits, at its own stride.
        size: HEIGHT WIDTH of the images, if they all have the same: simpler and faster; any size when absent.
        target_size: HEIGHT WIDTH the network sees; as in training when absent.
        out: The file to write; when absent exports/MODEL-PRECISION.onnx (.xml, .torchscript) in the run, or beside
            a weights file and named after it. What else was asked for (output, sizes) is in the name.
        data: Data set to compare on; the one the model was trained on when absent.
        root: Its folder; the one of the training when absent.
        split: Its split.
        images: How many of its images are compared; 0 writes a file whose description notes that it wasn't compared.
        tolerance: By how many points (of 100) mean IoU may drop; 0.1, and 1 for int8, when absent.
        calibration: Training images for int8; 64 when absent.
    """
    from sceneseg.api.export import export as write
    from sceneseg.export.gate import GateError

    try:
        with Bars() as bars:
            made = write(
                weights,
                to,
                precision=precision,
                output=output,
                size=size,
                target_size=target_size,
                out=out,
                data=data,
                root=root,
                split=split,
                images=images,
                tolerance=tolerance,
                calibration=calibration,
                on_progress=bars,
            )
    except GateError as error:
        _show(error.verdict, to)
        raise
    if made.verdict is None:
        print("not compared with the model, as --images 0 asks for")
    else:
        _show(made.verdict, made.to)
    others = "".join(f" and {one.name}" for one in made.files[1:])
    print(f"written  {made.path}{others}  ({made.size / 1e6:.1f} MB)\nnext     {made.advice}")


def _show(verdict: "Verdict", to: str) -> None:
    from sceneseg.export.table import verdict_table

    out = terminal()
    out.print(verdict_table(verdict, to))
    out.print(f"{counted(verdict.images, 'image')}, {verdict.equal:.3%} of the pixels get the same label")
    for doubt in verdict.doubts:
        out.print(doubt, style="yellow")
