"""Base class of the export formats: made from a model and a plan, saved with a description, opened to predict."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import ImageArray
from sceneseg.export.plan import Plan
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records.export_description import ExportDescription
from sceneseg.wording import quoted

ComputeOutput = Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]]
"""Maps images (B, H, W, 3) uint8 to the file's own output."""


class Artifact(ABC):
    """An exported model in memory.

    Args:
        model: What is exported; it stays as it is.
        plan: What the file does.
        calibration: Images from which int8 takes the range of every value.

    Raises:
        ConfigError: The format can't do what the plan asks for.
        ModelError: The network can't be translated.
    """

    suffix: ClassVar[str]
    """Of the file that is opened to predict."""
    companions: ClassVar[tuple[str, ...]] = ()
    """Suffixes of the files that belong to it."""
    engine: ClassVar[str]
    """What runs it: "onnxruntime", "openvino", ..."""

    @abstractmethod
    def __init__(self, model: SemanticModel, plan: Plan, calibration: Sequence[ImageArray]) -> None: ...

    @abstractmethod
    def save(self, file: Path, description: ExportDescription) -> None:
        """Write the file, and its companions next to it.

        Args:
            file: With `suffix`.
            description: Description that the file carries.
        """

    @classmethod
    @abstractmethod
    def open(cls, file: Path) -> tuple[ComputeOutput, Mapping[str, object]]:
        """Open a file of the format to predict with it, on the CPU.

        Returns:
            What computes its output, and its description as plain data.

        Raises:
            RunError: It can't be read, or its engine isn't installed.
        """

    def advice(self, file: Path) -> str:
        """Return the command that uses the file."""
        return f"sceneseg predict -w {quoted(file)} PHOTO.jpg"
