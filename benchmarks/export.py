"""What an exported file loses against the model it was made of, in every format and precision, and its size.

Writes results/export.json: of each file the mean IoU before and after, the part of the pixels that get the same label,
and what it takes on the disk with all that belongs to it. The files are written into a temporary folder by the code of
`sceneseg export`, opened again and compared by its gate, on labeled images at equal distances. A file that the gate
refuses stands in the results as such.

Run: python benchmarks/export.py (after `make demo`), or with --weights RUN -p ROOT
"""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, get_args

import cyclopts
from _measure import write
from cyclopts import Parameter

from sceneseg.arrays import ImageArray
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.scoring import open_scenes
from sceneseg.export import formats
from sceneseg.export.gate import evenly
from sceneseg.export.job import Export, file_name
from sceneseg.export.plan import Precision
from sceneseg.inference.predictor import SemanticModel

WITHOUT = {("torchscript", "int8")}  # which TorchScript doesn't have


def main(
    *,
    weights: Annotated[Path, Parameter(alias="-w")] = Path("runs/demo/fast_scnn"),
    root: Annotated[str, Parameter(alias="-p")] = "data/toy",
    images: int = 50,
    calibration: int = 64,
    quick: bool = False,
    json: Path | None = None,
) -> None:
    """Compare exported files with their model.

    Args:
        weights: Run or weights file.
        root: Folder of the data set it was trained on.
        images: How many of the validation split are compared.
        calibration: Training images from which int8 takes its ranges.
        quick: A trial: ONNX alone, two images; printed, and written only where --json says.
        json: File to write, instead of results/export.json.
    """
    if quick:
        images, calibration = 2, 2
    model = SemanticModel.load(weights, "cpu")
    training = open_scenes(Request(None, root, "train"), model, weights)
    pictures = [training.read(i).image for i in evenly(training, calibration)]
    results = [
        measure(weights, root, images, to, precision, pictures if precision == "int8" else [])
        for to in (["onnx"] if quick else formats.names())
        for precision in get_args(Precision)
        if (to, precision) not in WITHOUT
    ]
    settings = {"model": model.network.name, "dataset": training.name, "calibration": len(pictures)}
    write("export", settings, results, json, quick)


def measure(
    weights: Path, root: str, images: int, to: str, precision: str, pictures: list[ImageArray]
) -> dict[str, Any]:
    """Export a model and let the gate compare."""
    model = SemanticModel.load(weights, "cpu")
    made = Export.make(model, to, "labels", precision, None, pictures)
    verdict = made.check(open_scenes(Request(None, root, "val"), model, weights), images)
    with tempfile.TemporaryDirectory() as folder:
        written = made.write(Path(folder) / file_name(to, model.network.name, "labels", precision, None, None))
        size = sum(file.stat().st_size for file in written)
    return {"format": to, "precision": precision, **asdict(verdict.result("", "")), "file_mb": round(size / 1e6, 3)}


if __name__ == "__main__":
    cyclopts.run(main)
