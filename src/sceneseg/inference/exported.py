"""Exported files as models: they predict like the weights they were made of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from sceneseg import standalone
from sceneseg.arrays import ImageArray, ImageSize, LabelArray
from sceneseg.errors import RunError
from sceneseg.inference.images import as_image
from sceneseg.inference.prediction import Prediction
from sceneseg.labels import LabelSpace
from sceneseg.plain import UnfitError
from sceneseg.records.binary import DAMAGE
from sceneseg.records.environment import import_openvino
from sceneseg.records.export_description import ExportDescription

if TYPE_CHECKING:
    from torch import Tensor

TINY = 1e-30  # a probability whose logarithm is finite

ClassifiedImage = Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]]
"""Pictures (B, H, W, 3) uint8 to the file's own output."""


@dataclass(frozen=True)
class ExportedModel:
    """What `sceneseg export` wrote, opened by the engine it was written for.

    Args:
        answer: Computes the file's output.
        description: What the file says of itself.
    """

    answer: ClassifiedImage
    description: ExportDescription

    @classmethod
    def load(cls, file: Path) -> Self:
        """Open an exported file.

        Raises:
            RunError: It is missing, of another kind, or its engine isn't installed.
        """
        if not file.is_file():
            raise RunError(f"{file}: there is no such file.")
        with _as_run_errors():
            return cls(*OPENERS[file.suffix](file))

    @property
    def label_space(self) -> LabelSpace:
        """What the labels mean."""
        return self.description.label_space

    @cached_property
    def _plain(self) -> dict[str, Any]:
        """The description as the standalone runner takes it."""
        return self.description.to_dict()

    def labels(self, image: Any) -> LabelArray:
        """Return the train ids (H, W) of a picture, given as to `predict`, whichever output the file has.

        Raises:
            ModelError: The image is no such picture.
            RunError: The file takes pictures of another size.
        """
        return self._answer(as_image(image))[0]

    def predict(self, image: Any, name: str | None = None) -> Prediction:
        """Predict one image, as `SemanticModel.predict` does; probabilities come from files that give such, or logits.

        Args:
            image: A file; (H, W, 3) RGB of uint8, or of floats from 0 to 1; or a Pillow image.
            name: For the files of the prediction; the file's stem when absent.

        Raises:
            ModelError: The image is anything else.
            DataError: The file can't be read.
            RunError: The exported file takes pictures of another size.
        """
        name = name or (Path(image).stem if isinstance(image, str | Path) else "image")
        image = as_image(image)
        labels, answer = self._answer(image)
        coarse, covered = self._logits(answer, (image.shape[0], image.shape[1]))
        align = self.description.output.align_corners
        return Prediction(image, labels, self.label_space, name, coarse, covered, align)

    def _answer(self, image: ImageArray) -> tuple[LabelArray, npt.NDArray[Any]]:
        with _as_run_errors():
            standalone.check_size(image, self._plain)
            answer = self.answer(image[None])[0]
            return standalone.labels_of(answer, self._plain, (image.shape[0], image.shape[1])), answer

    def _logits(self, answer: npt.NDArray[Any], size: ImageSize) -> tuple["Tensor | None", tuple[float, float]]:
        """Return what probabilities can be made of, and how many image pixels it covers."""
        kind, facts = self.description.output.kind, self.description.input
        if kind not in ("probabilities", "coarse"):
            return None, (0.0, 0.0)
        import torch

        if kind == "probabilities":
            return torch.from_numpy(np.log(np.maximum(answer, TINY))[None]), size
        seen, divisor = facts.target_size or size, facts.size_divisor
        padded = [-(-side // divisor) * divisor for side in seen]
        return torch.from_numpy(answer[None]), (padded[0] * size[0] / seen[0], padded[1] * size[1] / seen[1])


def is_exported(path: Path) -> bool:
    """Return whether a path looks like an exported file."""
    return path.suffix in OPENERS


@contextmanager
def _as_run_errors() -> Iterator[None]:
    """Turn the runner's errors into this package's."""
    try:
        yield
    except standalone.RunnerError as error:
        raise RunError(str(error)) from None


def _record(plain: object, file: Path) -> ExportDescription:
    """Return what a file says of itself as a record."""
    try:
        return ExportDescription.from_dict(plain)
    except UnfitError as error:
        raise RunError(f"{file}: what it says of itself is damaged: {error}. Export it again.") from None


def _open_onnx(file: Path) -> tuple[ClassifiedImage, ExportDescription]:
    runner = standalone.Runner(file)
    return runner.run, _record(runner.description, file)


def _open_openvino(file: Path) -> tuple[ClassifiedImage, ExportDescription]:
    ov = import_openvino()
    try:
        model = ov.Core().read_model(file)
        text = model.get_rt_info(standalone.KEY).astype(str) if model.has_rt_info(standalone.KEY) else None
    except (RuntimeError, ValueError) as error:
        raise RunError(f"{file}: OpenVINO can't load it ({_last_line(error)}).") from None
    description = _record(standalone.describe(text, file), file)
    settings = {"PERFORMANCE_HINT": "LATENCY"}
    if description.precision == "fp32":
        settings["INFERENCE_PRECISION_HINT"] = "f32"  # else it takes bfloat16 where the processor has it
    try:
        compiled = ov.Core().compile_model(model, "CPU", settings)
    except (RuntimeError, ValueError) as error:
        raise RunError(f"{file}: OpenVINO can't compile it ({_last_line(error)}).") from None

    def answer(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        try:
            return np.array(compiled(images)[0])
        except (RuntimeError, ValueError) as error:
            raise RunError(f"{file}: OpenVINO can't run it ({_last_line(error)}).") from None

    return answer, description


def _last_line(error: Exception) -> str:
    """Return the line in which OpenVINO says what is wrong, behind those that say where in its code."""
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[-1]


def _open_torchscript(file: Path) -> tuple[ClassifiedImage, ExportDescription]:
    import warnings

    import torch

    extra: dict[str, Any] = {f"{standalone.KEY}.json": ""}  # bytes when it has been read
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and says so
        try:
            module = torch.jit.load(file, "cpu", extra)  # type: ignore[no-untyped-call]
        except DAMAGE as error:
            raise RunError(f"{file}: not readable as TorchScript ({_first_line(error)}).") from None

    def answer(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        try:
            with torch.inference_mode():
                found: npt.NDArray[Any] = module(torch.from_numpy(np.ascontiguousarray(images))).numpy()
        except DAMAGE as error:
            raise RunError(f"{file}: TorchScript can't run it ({_first_line(error)}).") from None
        return found

    given = extra[f"{standalone.KEY}.json"]
    text = given.decode("utf-8", "replace") if isinstance(given, bytes) else None
    return answer, _record(standalone.describe(text, file), file)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


OPENERS: dict[str, Callable[[Path], tuple[ClassifiedImage, ExportDescription]]] = {
    ".onnx": _open_onnx,
    ".xml": _open_openvino,
    ".torchscript": _open_torchscript,
}
"""Suffix -> what opens such a file."""
