"""Prediction job: one source after the other is predicted, written, and entered in the table of the results folder."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

from sceneseg.errors import DataError
from sceneseg.inference.results import Predicted, Results
from sceneseg.inference.sources import Source
from sceneseg.records.predictions import Predictions, Row


class Model(Protocol):
    """Predictor: a `sceneseg.inference.base.Predictor`, or an exported file."""

    def results(self, table: Predictions) -> Results:
        """Return what writes predictions into the results folder of a table."""
        ...


class Job:
    """Predicts sources into one folder; a context manager, at whose end all is written.

    Args:
        model: What predicts.
        table: Of the results folder.
        weights: SHA-256 of the weights.
        target_size: What the network sees, as in `Row`.
        skip_existing: Whether complete results of the same source and weights are left as they are.
    """

    def __init__(
        self, model: Model, table: Predictions, weights: str, target_size: str = "", skip_existing: bool = False
    ) -> None:
        self.table, self.results = table, model.results(table)
        self.weights, self.target_size, self.skip_existing = weights, target_size, skip_existing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.table.__exit__(*error)
        self.results.close()

    def predict(self, source: Source, name: str, on_frame: Callable[[int], object]) -> Predicted | None:
        """Predict a source.

        Args:
            source: The image or video.
            name: What the names of its results begin with.
            on_frame: Is called after each frame of a video, with the number of all, or 0 where that isn't known.

        Returns:
            What was made; None where the results were there already.

        Raises:
            ScenesegError: The source can't be read, or not by this model.
        """
        start = time.perf_counter()
        row = self._row(source.file)
        if self.skip_existing and self._exists(row, source.file):
            return None
        made = self.results.predict(source, name, row, on_frame)
        return replace(made, seconds=time.perf_counter() - start)

    def _row(self, file: Path) -> Row:
        digest = sha256(file)
        key, size = self.table.key(file), file.stat().st_size
        return Row(key, size, digest, weights_sha256=self.weights, target_size=self.target_size)

    def _exists(self, row: Row, file: Path) -> bool:
        known = self.table.rows.get(row.source)
        if known is None or not self.table.complete(known):
            return False
        made_of = replace(known, label_ids="", color="", overlay="", classes="")
        return made_of == row and self.results.has(file)


def sha256(*files: Path) -> str:
    """Return the SHA-256 of the contents of files.

    Raises:
        DataError: One can't be read.
    """
    digest = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as file:
                while part := file.read(1 << 20):
                    digest.update(part)
        except OSError as error:
            raise DataError(f"{path}: can't be read ({error.strerror or error}).") from None
    return digest.hexdigest()
