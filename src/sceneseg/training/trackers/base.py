"""Base class of the trackers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from sceneseg.errors import RunError
from sceneseg.plain import UnfitError, as_record
from sceneseg.records.run_directory import RunDirectory, read_json, write_json

End = Literal["finished", "interrupted", "failed"]


class Tracker(ABC):
    """Records what a run reports.

    Args:
        run: The run directory.
        config: The resolved configuration as plain data.
        scores: The columns of history.csv that say how good the model is, the deciding one first.
        step: Where the run (re)starts; what was recorded of later steps isn't true any more.
    """

    package: ClassVar[str] = ""
    """The package that must be importable, if it takes one."""
    install: ClassVar[str] = ""
    """What `pip install` calls it."""
    where: str = ""
    """A line for the user: where to look."""

    def __init__(self, run: RunDirectory, config: Mapping[str, object], scores: list[str], step: int) -> None:
        self.run, self.config, self.scores, self.first_step = run, config, scores, step

    @abstractmethod
    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Take numbers, each under its name."""

    @abstractmethod
    def picture(self, name: str, picture: npt.NDArray[np.uint8], step: int) -> None:
        """Take an image (H, W, 3)."""

    def flush(self) -> None:  # noqa: B027 (most have nothing to do)
        """Write what waits; called after each epoch."""

    @abstractmethod
    def finish(self, end: End) -> None:
        """Close; nothing comes after this until the run is resumed."""

    def known(self, name: str) -> str | None:
        """Return what this tracker had called the run before it was interrupted."""
        return self._all().get(name) if self.first_step else None

    def remember(self, name: str, value: str) -> None:
        """Keep what this tracker calls the run, for when it is resumed."""
        write_json(self.run.trackers, self._all() | {name: value})

    def _all(self) -> dict[str, str]:
        if not self.run.trackers.is_file():
            return {}
        try:
            found: dict[str, str] = as_record(dict[str, str], read_json(self.run.trackers), "the file")
        except UnfitError as error:
            raise RunError(f"{self.run.trackers}: damaged; {error}. Remove it: the trackers begin anew.") from None
        return found
