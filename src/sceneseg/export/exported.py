"""Exported files as models: they predict like the weights they were made of."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from sceneseg import standalone
from sceneseg.arrays import ImageArray, ImageSize, LabelArray
from sceneseg.errors import ConfigError, RunError
from sceneseg.export import formats
from sceneseg.export.base import ComputeOutput
from sceneseg.inference.images import as_image
from sceneseg.inference.prediction import Prediction
from sceneseg.inference.results import LabelImages
from sceneseg.labels import LabelSpace
from sceneseg.plain import UnfitError
from sceneseg.records.export_description import ExportDescription
from sceneseg.records.predictions import Predictions

if TYPE_CHECKING:
    from sceneseg.kernels.grid import CoarseLogits

TINY = 1e-30  # a probability whose logarithm is finite


@dataclass(frozen=True)
class ExportedModel:
    """Exported model, opened by the engine it was written for.

    Args:
        answer: Computes the file's output.
        description: What the file says of itself.
    """

    answer: ComputeOutput
    description: ExportDescription

    @classmethod
    def load(cls, file: Path) -> Self:
        """Open an exported file.

        Raises:
            RunError: It is missing, of another kind, or its engine isn't installed.
        """
        if not file.is_file():
            raise RunError(f"{file}: there is no such file.")
        maker = format_of(file)
        if maker is None:
            raise RunError(f"{file}: no export format has files that end in {file.suffix or 'nothing'}.")
        return cls.opened_by(maker, file)

    @classmethod
    def opened_by(cls, maker: Any, file: Path) -> Self:
        """Open an exported file by the class of its format.

        Raises:
            RunError: It can't be read, or its engine isn't installed.
        """
        with _as_run_errors():
            answer, plain = maker.open(file)
        try:
            return cls(answer, ExportDescription.from_dict(plain))
        except UnfitError as error:
            raise RunError(f"{file}: its description is damaged: {error}. Export it again.") from None

    @property
    def label_space(self) -> LabelSpace:
        """Label space of the predicted labels."""
        return self.description.label_space

    def results(self, table: Predictions) -> LabelImages:
        """Return what writes label ids, colors and overlays into the results folder of a table."""
        return LabelImages(self, table)

    @cached_property
    def _plain(self) -> dict[str, object]:
        """The description as the standalone runner takes it."""
        return self.description.to_dict()

    def labels(self, image: Any) -> LabelArray:
        """Return the train ids (H, W) of an image, given as to `predict`, whichever output the file has.

        Raises:
            ModelError: It isn't an image of that shape and type.
            RunError: The file takes images of another size.
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
            RunError: The exported file takes images of another size.
        """
        name = name or (Path(image).stem if isinstance(image, str | Path) else "image")
        image = as_image(image)
        labels, answer = self._answer(image)
        return Prediction(image, labels, self.label_space, name, self._logits(answer, image.shape[:2]))

    def _answer(self, image: ImageArray) -> tuple[LabelArray, npt.NDArray[Any]]:
        with _as_run_errors():
            standalone.check_size(image, self._plain)
            answer = self.answer(image[None])[0]
            return standalone.labels_of(answer, self._plain, (image.shape[0], image.shape[1])), answer

    def _logits(self, answer: npt.NDArray[Any], size: ImageSize) -> "CoarseLogits | None":
        """Return what probabilities can be made of."""
        output, facts = self.description.output, self.description.input
        if output.kind not in ("probabilities", "coarse"):
            return None
        import torch

        from sceneseg.kernels.grid import CoarseLogits

        align = output.align_corners
        if output.kind == "probabilities":
            return CoarseLogits(torch.from_numpy(np.log(np.maximum(answer, TINY))[None]), size, align)
        seen, divisor = facts.target_size or size, facts.size_divisor
        padded = (-(-seen[0] // divisor) * divisor, -(-seen[1] // divisor) * divisor)
        return CoarseLogits(torch.from_numpy(answer[None]), padded, align).resized_to(seen, size)


def is_exported(path: Path) -> bool:
    """Return whether a path looks like an exported file."""
    return format_of(path) is not None


def format_of(file: Path) -> Any:
    """Return the class of the format whose files end as a file does; None where there is none.

    A format that can't be imported here (a package isn't installed) is passed over.
    """
    for name in formats.names() if file.suffix not in ("", ".safetensors") else ():
        try:
            maker: Any = formats.get(name)
        except ConfigError:
            continue
        if maker.suffix == file.suffix:
            return maker
    return None


@contextmanager
def _as_run_errors() -> Iterator[None]:
    """Turn the runner's errors into this package's."""
    try:
        yield
    except standalone.RunnerError as error:
        raise RunError(str(error)) from None
