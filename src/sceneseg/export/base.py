"""What every export format is: made from a model and a plan, then saved with a description."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from sceneseg.arrays import ImageArray
from sceneseg.export.plan import Engine, Plan
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records.export_description import ExportDescription
from sceneseg.wording import quoted


class Artifact(ABC):
    """An exported model in memory.

    Args:
        model: What is exported; it stays as it is.
        plan: What the file shall do.
        calibration: Pictures from which int8 takes the range of every value.

    Raises:
        ConfigError: The format can't do what the plan asks for.
        ModelError: The network can't be translated.
    """

    suffix: ClassVar[str]
    """Of the file that is opened to predict."""
    companions: ClassVar[tuple[str, ...]] = ()
    """Suffixes of the files that belong to it."""
    engine: ClassVar[Engine]
    """What runs it."""

    @abstractmethod
    def __init__(self, model: SemanticModel, plan: Plan, calibration: Sequence[ImageArray]) -> None: ...

    @abstractmethod
    def save(self, file: Path, description: ExportDescription) -> None:
        """Write the file, and its companions beside it.

        Args:
            file: With `suffix`.
            description: What the file shall say of itself.
        """

    def advice(self, file: Path) -> str:
        """Return the command that uses the file."""
        return f"sceneseg predict -w {quoted(file)} PHOTO.jpg"
