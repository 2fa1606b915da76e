"""Results of predictions: what is written of one image or video, by what a model says of it."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from sceneseg.errors import DataError, RunError
from sceneseg.inference.prediction import Prediction
from sceneseg.inference.sources import Source, has_more_frames
from sceneseg.inference.video import Video, paint_video
from sceneseg.records import run_directory
from sceneseg.records.predictions import Predictions, Row

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


class Results(ABC):
    """Writes predictions into a results folder and enters them in its table."""

    @abstractmethod
    def predict(self, source: Source, name: str, row: Row, on_frame: Callable[[int], object]) -> Predicted:
        """Predict a source and write what comes of it.

        Args:
            source: The image or video.
            name: What the names of its results begin with.
            row: Of the source, without results; the one that is entered in the table names those.
            on_frame: Is called after each frame of a video, with the number of all, or 0 where that isn't known.

        Raises:
            ScenesegError: The source can't be read, or not by this model.
        """

    def has(self, file: Path) -> bool:
        """Return whether the results of a source are there, of one whose files in the table are complete."""
        return True

    def close(self) -> None:
        """Write what isn't written yet."""
        return None


class Segmenter(Protocol):
    """Predictor of the class of every pixel: a network with its weights, or an exported file."""

    def predict(self, image: Any, name: str | None = None) -> Prediction:
        """Predict one image, given as a file or an array."""
        ...


class LabelImages(Results):
    """Label ids, colors and an overlay of each image, and the overlay of a video.

    Args:
        model: What predicts.
        table: Of the results folder.
    """

    def __init__(self, model: Segmenter, table: Predictions) -> None:
        self.model, self.table = model, table

    def predict(self, source: Source, name: str, row: Row, on_frame: Callable[[int], object]) -> Predicted:
        """Predict an image, or every frame of a video."""
        return self._video(source, name, row, on_frame) if source.video else self._image(source, name, row)

    def _image(self, source: Source, name: str, row: Row) -> Predicted:
        prediction = self.model.predict(source.file, name)
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

    def _video(self, source: Source, name: str, row: Row, on_frame: Callable[[int], object]) -> Predicted:
        """Write a video with the classes laid over every frame."""
        row = replace(row, overlay=f"{name}_overlay.mp4")
        target = self.table.folder / row.overlay
        earlier = self.table.rows.get(row.source)
        self.table.add(replace(row, problem=UNFINISHED))
        try:
            video = paint_video(
                source.file, target, lambda frame: self.model.predict(frame).overlay(legend=False), on_frame
            )
        except BaseException:  # what was there is there still
            self.table.remove(row.source)
            if earlier is not None:
                self.table.add(earlier)
            raise
        self.table.add(replace(row, problem=video.problem))
        return Predicted(source.file, [target], video=video)


class Classifier(Protocol):
    """Predictor of one class for a whole image."""

    def predict(self, image: Any, name: str | None = None) -> Any:
        """Predict one image; the outcome has a method `top`."""
        ...


class ClassAnswers(Results):
    """The most probable classes of each image, all in one file.

    Args:
        model: What predicts.
        table: Of the results folder.

    Raises:
        RunError: The folder has a file of that name with something else in it.
    """

    def __init__(self, model: Classifier, table: Predictions) -> None:
        self.model, self.table = model, table
        self.answers = Answers(table.folder / ANSWERS)

    def predict(self, source: Source, name: str, row: Row, on_frame: Callable[[int], object]) -> Predicted:
        """Predict an image.

        Raises:
            DataError: The source is a video.
        """
        if source.video:
            raise DataError(
                f"{source.file}: a classifier predicts one class for a whole image. Pass images, or save frames."
            )
        found = self.model.predict(source.file).top(5)
        self.answers.add(str(source.file), found)
        self.table.add(replace(row, classes=ANSWERS))
        more = has_more_frames(source.file)
        return Predicted(source.file, [self.table.folder / ANSWERS], answers=found, first_frame=more)

    def has(self, file: Path) -> bool:
        """Return whether there is an answer for an image."""
        return str(file) in self.answers.found

    def close(self) -> None:
        """Save the answers."""
        self.answers.save()


class Answers:
    """A classifier's answers, saved every few seconds; those for other images stay in the file.

    Args:
        file: JSON.

    Raises:
        RunError: The file holds something else.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.found: dict[str, object] = run_directory.read_json(file) if file.is_file() else {}
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
