"""Prediction job: one source after the other is predicted, written, and entered in the table of the results folder."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

from sceneseg.errors import DataError, RunError
from sceneseg.inference.classifier import ClassificationModel
from sceneseg.inference.prediction import Prediction
from sceneseg.inference.sources import Source, has_more_frames
from sceneseg.inference.video import Video, paint_video
from sceneseg.records import run_directory
from sceneseg.records.predictions import Predictions, Row


class Segmenter(Protocol):
    """Predictor of every pixel's class: a network with its weights, or an exported file."""

    def predict(self, image: Any, name: str | None = None) -> Prediction:
        """Predict one image, given as a file or an array."""
        ...


Model = Segmenter | ClassificationModel

ANSWERS = "classes.json"
UNFINISHED = "not finished"
"""Problem of a row whose files are being written: a process that is killed there leaves them under a name of its own,
and the next one writes them again instead of giving them to somebody else."""
SAVE_EVERY = 5.0  # seconds between two savings of a classifier's answers


@dataclass(frozen=True)
class Predicted:
    """Result of predicting one source.

    Args:
        source: The image or video.
        outputs: The files that were written.
        answers: A classifier's most probable classes; None for segmentation.
        video: Frames and sound of a video; None for an image.
        seconds: How long it took.
        first_frame: Whether the file holds several images, of which the first was read.
    """

    source: Path
    outputs: list[Path]
    answers: dict[str, float] | None = None
    video: Video | None = None
    seconds: float = 0.0
    first_frame: bool = False


class Job:
    """Predicts sources into one folder; a context manager, at whose end a classifier's answers are saved.

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
        self.model, self.table = model, table
        self.weights, self.target_size, self.skip_existing = weights, target_size, skip_existing
        self.answers = Answers(table.folder / ANSWERS) if isinstance(model, ClassificationModel) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.table.__exit__(*error)
        if self.answers is not None:
            self.answers.save()

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
        if isinstance(self.model, ClassificationModel):
            made = self._classify(self.model, source, row)
        elif source.video:
            made = self._film(self.model, source, name, row, on_frame)
        else:
            made = self._segment(self.model, source, name, row)
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
        return made_of == row and (self.answers is None or str(file) in self.answers.found)

    def _segment(self, model: Segmenter, source: Source, name: str, row: Row) -> Predicted:
        prediction = model.predict(source.file, name)
        row = replace(row, label_ids=f"{name}_labelIds.png", color=f"{name}_color.png", overlay=f"{name}_overlay.jpg")
        self.table.add(replace(row, problem=UNFINISHED))
        try:
            files = prediction.save(self.table.folder)
            self.table.add(row)
        except BaseException:  # some of the three are new: neither they nor an earlier row hold any more
            for output in row.outputs:
                (self.table.folder / output).unlink(missing_ok=True)
            self.table.remove(row.source)
            raise
        return Predicted(source.file, files, first_frame=has_more_frames(source.file))

    def _film(
        self,
        model: Segmenter,
        source: Source,
        name: str,
        row: Row,
        on_frame: Callable[[int], object],
    ) -> Predicted:
        """Write a video with the classes laid over every frame."""
        row = replace(row, overlay=f"{name}_overlay.mp4")
        target = self.table.folder / row.overlay
        earlier = self.table.rows.get(row.source)
        self.table.add(replace(row, problem=UNFINISHED))
        try:
            video = paint_video(source.file, target, lambda frame: model.predict(frame).overlay(legend=False), on_frame)
        except BaseException:  # what was there is there still
            self.table.remove(row.source)
            if earlier is not None:
                self.table.add(earlier)
            raise
        self.table.add(replace(row, problem=video.problem))
        return Predicted(source.file, [target], video=video)

    def _classify(self, model: ClassificationModel, source: Source, row: Row) -> Predicted:
        if source.video:
            raise DataError(
                f"{source.file}: a classifier predicts one class for a whole image. Pass images, or save frames."
            )
        assert self.answers is not None
        found = model.predict(source.file).top(5)
        self.answers.add(str(source.file), found)
        self.table.add(replace(row, classes=ANSWERS))
        more = has_more_frames(source.file)
        return Predicted(source.file, [self.table.folder / ANSWERS], answers=found, first_frame=more)


class Answers:
    """A classifier's answers, saved every few seconds; those for other images stay in the file.

    Args:
        file: JSON.

    Raises:
        RunError: The file holds something else.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.found: dict[str, Any] = run_directory.read_json(file) if file.is_file() else {}
        if not isinstance(self.found, dict):
            raise RunError(f"{file}: expected a classifier's answers. Choose another folder for the results.")
        self._saved, self._changed = time.monotonic(), False

    def add(self, source: str, answers: dict[str, float]) -> None:
        """Enter the answers for an image."""
        self.found[source], self._changed = answers, True
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, if there is something new."""
        if self._changed:
            run_directory.write_text(self.file, json.dumps(self.found, indent=2) + "\n")
            self._saved, self._changed = time.monotonic(), False


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
