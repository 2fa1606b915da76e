"""`export`: one file that takes images and gives labels, compared with the model before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from sceneseg.api.progress import OnProgress, Progress, counter, ignore
from sceneseg.arrays import ImageArray, ImageSize
from sceneseg.errors import refuse_options
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.scoring import open_scenes
from sceneseg.export import formats
from sceneseg.export.gate import GateError, Verdict
from sceneseg.export.job import Export, check_name, file_name
from sceneseg.export.plan import Output, Precision
from sceneseg.inference.predictor import SemanticModel
from sceneseg.loading.scene_samples import evenly
from sceneseg.progress import each
from sceneseg.records.targets import check_targets

CALIBRATION = 64  # images


@dataclass(frozen=True)
class ExportedFiles:
    """Files of an exported model.

    Args:
        files: What was written, the one to open first.
        to: Registry name of the format.
        verdict: How the file compares with the model; None where that wasn't asked for.
        advice: How the file is used.

    Example:
        >>> import sceneseg
        >>> exported = sceneseg.export("runs/small", "torchscript", images=0)
        >>> exported.to, exported.verdict
        ('torchscript', None)
    """

    files: tuple[Path, ...]
    to: str
    verdict: Verdict | None
    advice: str

    @property
    def path(self) -> Path:
        """The file to open."""
        return self.files[0]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self.files)


def export(
    weights: str | PathLike[str],
    to: str = "onnx",
    *,
    precision: Precision = "fp32",
    output: Output = "labels",
    size: ImageSize | None = None,
    target_size: ImageSize | None = None,
    out: str | PathLike[str] | None = None,
    data: str | None = None,
    root: str | PathLike[str] | None = None,
    split: str = "val",
    images: int = 50,
    tolerance: float | None = None,
    calibration: int | None = None,
    on_progress: OnProgress = ignore,
) -> ExportedFiles:
    """Export a model as one file: images (batch, height, width, 3) uint8 in, labels out, everything between inside.

    Before the file is written, it and the model predict labeled images; it isn't written if its mean IoU is lower by
    more than the tolerance.

    Args:
        weights: Run directory or weights file.
        to: onnx, openvino, torchscript, or tensorrt: an ONNX file and the script that builds the engine on the device.
        precision: What the network computes in. "int8" takes the range of every value from training images.
        output: "labels": train ids. "label_ids": those that the data set stores. "probabilities": of each class at
            each pixel. "coarse": the network's logits, at its own stride.
        size: (height, width) in pixels of the images, if they all have the same: simpler and faster; any size when
            absent.
        target_size: (height, width) in pixels that the network sees; as in training when absent.
        out: The file to write; when absent exports/MODEL-PRECISION.onnx (.xml, .torchscript) in the run, or beside a
            weights file and named after it. What else was asked for (output, sizes) is in the name.
        data: Data set to compare on; the one of the training when absent.
        root: Its folder; the one of the training when absent.
        split: Its part.
        images: How many of its images are compared; with 0 the file's description notes that it wasn't compared.
        tolerance: By how many points (of 100) mean IoU may drop; 0.1, and 1 for int8, when absent.
        calibration: Training images for int8; 64 when absent.
        on_progress: Called before the translation, and after each image that is read or compared.

    Raises:
        ConfigError: Arguments that don't go together, or that the format can't take.
        DataError: The images to compare aren't there.
        GateError: The file predicts worse than the model; its `verdict` has the difference.
        ModelError: The network can't be translated.
        RunError: There are no weights.

    Example:
        >>> import sceneseg
        >>> exported = sceneseg.export("runs/small", "torchscript", images=2, tolerance=5)
        >>> exported.path.name, exported.verdict.passed
        ('separable_unet-fp32.torchscript', True)
    """
    refuse_options(
        {"calibration": calibration if precision != "int8" else None},
        "only the precision int8 takes ranges from training images. Leave it out.",
    )
    refuse_options(
        {"tolerance": tolerance if images == 0 else None}, "with 0 images nothing is compared. Leave it out."
    )
    to, path = formats.resolve(to), Path(weights)
    if out is not None:
        check_name(Path(out), to)
        check_targets(Path(out))
    model = SemanticModel.load(path, "cpu")
    model.input.target_size = target_size or model.input.target_size
    request = Request(data, None if root is None else str(root), split)
    ranges: Sequence[ImageArray] = ()
    if precision == "int8":
        ranges = _training_images(request, model, path, calibration or CALIBRATION, on_progress)
    after = f", with ranges from {len(ranges)} images" if ranges else ""
    on_progress(Progress(f"translating {model.network.name} to {to}{after}"))
    made = Export.make(model, to, output, precision, size, ranges)
    verdict = None
    if images:
        allowed = None if tolerance is None else tolerance / 100
        verdict = made.check(open_scenes(request, model, path), images, allowed, counter(on_progress, "comparing"))
        if not verdict.passed:
            raise GateError(verdict)
    folder, name = (path, model.network.name) if path.is_dir() else (path.parent, path.stem)
    file = Path(out or folder / "exports" / file_name(to, name, output, precision, size, target_size))
    return ExportedFiles(tuple(made.write(file)), to, verdict, made.artifact.advice(file))


def _training_images(
    request: Request, model: SemanticModel, weights: Path, count: int, on_progress: OnProgress
) -> list[ImageArray]:
    """Read training images at equal distances."""
    training = open_scenes(replace(request, split="train"), model, weights)
    chosen = evenly(len(training), count)
    return [training.read(i).image for i in each(chosen, counter(on_progress, "reading"))]
