"""`predict`: label ids, colors and overlays for images, folders, videos, or a split of a data set."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import cv2

from sceneseg.api.progress import Progress, ignore
from sceneseg.arrays import ImageSize
from sceneseg.datasets import datasets
from sceneseg.devices import is_out_of_memory, resolve_engine
from sceneseg.errors import ConfigError, DataError, ScenesegError, refuse_options
from sceneseg.export.exported import ExportedModel, is_exported
from sceneseg.inference.base import Predictor
from sceneseg.inference.job import Job, sha256
from sceneseg.inference.results import Predicted
from sceneseg.inference.sources import HEIC, Found, Source, find_sources, is_heic, once, size_of
from sceneseg.records.predictions import Predictions
from sceneseg.records.run_directory import find_weights
from sceneseg.tasks import load

PAYS_FROM = 20  # images of one size; Fast-SCNN at 1024 x 2048 saves 0.1 s of each, for 3 s of compiling
LARGEST_SIDE = 2**15


@dataclass(frozen=True)
class PredictionProgress(Progress):
    """Progress of a prediction; `done` and `total` count sources.

    Args:
        source: The file that is predicted; None at the end.
        frame: Frames of a video that are done.
        frames: About how many it has; 0 where that isn't known.
    """

    source: Path | None = None
    frame: int = 0
    frames: int = 0

    @property
    def detail(self) -> str:
        """Position in a video; empty for an image."""
        return f"{self.source.name}: frame {self.frame} of {self.frames or '?'}" if self.source and self.frame else ""


@dataclass(frozen=True)
class PredictedFiles:
    """Result of a prediction into a folder, with the sources that failed or were skipped.

    Args:
        results: Folder of the results, with `predictions.csv`.
        engine: What computed the network, where an engine was asked for.
        precision: At which it was computed.
        predicted: What was made of each source.
        existing: Sources whose results were there already.
        failed: Sources -> why they couldn't be predicted, or not completely.
        left_out: Other files in the folders -> why they aren't read.
        earlier_results: Results of earlier predictions in the folders; they are never predicted.

    Example:
        >>> import sceneseg
        >>> made = sceneseg.predict([], "runs/small", data="cityscapes", root="data/toy", split="val", device="cpu")
        >>> len(made.predicted), made.failed
        (2, {})
    """

    results: Path
    engine: str | None = None
    precision: str | None = None
    predicted: list[Predicted] = field(default_factory=list)
    existing: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    left_out: dict[Path, str] = field(default_factory=dict)
    earlier_results: list[Path] = field(default_factory=list)


def predict(
    inputs: str | PathLike[str] | Iterable[str | PathLike[str]],
    weights: str | PathLike[str],
    results: str | PathLike[str] = "results",
    *,
    data: str | None = None,
    root: str | PathLike[str] | None = None,
    split: str | None = None,
    target_size: ImageSize | None = None,
    device: str | None = None,
    engine: str | None = None,
    skip_existing: bool = False,
    on_progress: Callable[[PredictionProgress], object] = ignore,
) -> PredictedFiles:
    """Predict images and videos into a folder; one that can't be predicted doesn't end the call.

    `sceneseg.load(weights).predict(image)` predicts one image in memory.

    Args:
        inputs: Image files, videos and folders; subfolders are reproduced in the results. Empty with `data`.
        weights: Run directory, weights file or exported file.
        results: Folder of the results. Files of another source in it are never overwritten.
        data: A data set instead of inputs.
        root: Its folder.
        split: Its part; "test" when absent.
        target_size: (height, width) in pixels that the network sees.
        device: auto, cpu, cuda, ...
        engine: torch, openvino or auto.
        skip_existing: Leave out sources whose results are complete and were made by the same weights.
        on_progress: Called before each source, after each frame of a video, and at the end.

    Raises:
        ConfigError: Options that can't be honored.
        DataError: An input that isn't there.
        RunError: The weights can't be read, or the results folder has another program's table.

    Example:
        >>> import sceneseg
        >>> made = sceneseg.predict("data/toy/leftImg8bit/val", "runs/small", "results", device="cpu")
        >>> [file.suffix for file in made.predicted[0].outputs]
        ['.png', '.png', '.jpg']
    """
    files = [Path(file) for file in ([inputs] if isinstance(inputs, str | PathLike) else inputs)]
    folder, weights = Path(results), Path(weights)
    root = None if root is None else str(root)
    _check(files, data, root, split, target_size)
    model = _load(weights, target_size, device, engine)
    found = find_sources(files, folder) if data is None else _split(data, root, split or "test")
    if engine is not None and isinstance(model, Predictor):
        engine = _engine(engine, model, found.sources)
        model.compute_with(engine)
        made = PredictedFiles(folder, engine, model.input.precision, left_out=found.left_out, earlier_results=found.own)
    else:
        made = PredictedFiles(folder, left_out=found.left_out, earlier_results=found.own)
    seen = "" if target_size is None else f"{target_size[0]}x{target_size[1]}"
    table = Predictions(folder)
    sources = sorted(found.sources, key=lambda source: source.video)  # images first
    names = dict(zip(found.sources, _names(found.sources, table), strict=True))
    with Job(model, table, _digest(weights), seen, skip_existing) as job:
        for done, source in enumerate(sources):
            on_progress(PredictionProgress("predicting", done, len(sources), source=source.file))
            frames = _Frames(on_progress, source.file, done, len(sources))
            try:
                _note(job.predict(source, names[source], frames), source, made)
            except (ScenesegError, RuntimeError, MemoryError, cv2.error) as error:
                made.failed[source.file] = _reason(source.file, error)
        on_progress(PredictionProgress("predicting", len(sources), len(sources)))
    return made


class _Frames:
    """Reports the frames of a video."""

    def __init__(self, on_progress: Callable[[PredictionProgress], object], file: Path, done: int, total: int) -> None:
        self.on_progress, self.file, self.done, self.total = on_progress, file, done, total
        self.frame = 0

    def __call__(self, frames: int) -> None:
        self.frame += 1
        report = PredictionProgress(
            "predicting", self.done, self.total, source=self.file, frame=self.frame, frames=frames
        )
        self.on_progress(report)


def _check(inputs: list[Path], data: str | None, root: str | None, split: str | None, size: ImageSize | None) -> None:
    if data is not None and inputs:
        raise ConfigError(
            f"{', '.join(map(str, inputs))}: with data={data} a split is predicted, not files. Leave out either.",
            field="data",
        )
    if data is None:
        refuse_options({"root": root, "split": split}, "belongs to a data set. Name it as data, or leave it out.")
        if not inputs:
            raise DataError("Nothing to predict. Give image files or folders, or the name of a data set.", field="data")
    if size is not None and not all(1 <= side <= LARGEST_SIDE for side in size):
        raise ConfigError(
            f"target_size takes height and width in pixels, each from 1 to {LARGEST_SIDE}, found: {size[0]} {size[1]}. "
            f"Example: 512 1024",
            field="target_size",
        )


def _split(name: str, root: str | None, split: str) -> Found:
    dataset = datasets.create(name, root=root, split=split)
    return Found(once(Source(files.image, files.name) for files in dataset.files))


def _load(
    weights: Path, target_size: ImageSize | None, device: str | None, engine: str | None
) -> Predictor | ExportedModel:
    """Open weights or an exported file, in which size, device and engine are settled."""
    if is_exported(weights):
        options = {"target_size": target_size, "device": device, "engine": engine}
        if given := [name for name, value in options.items() if value is not None]:
            raise ConfigError(
                f"{' and '.join(given)} can't be chosen for {weights}, which was exported for one engine and one way "
                f"to resize. Leave it out, or predict with the weights.",
                field=given[0],
            )
        return ExportedModel.load(weights)
    model = load(weights, device or "auto")
    model.input.target_size = target_size or model.input.target_size
    return model


def _engine(engine: str, model: Predictor, sources: list[Source]) -> str:
    """Return what `auto` means for these images: compiling takes time for each size, so it must pay.

    A video has images enough.
    """
    resolved = resolve_engine(engine, model.device.type)
    if engine != "auto" or resolved == "torch":
        return resolved
    if any(source.video for source in sources):
        return "openvino"
    sizes = {model.input.target_size or size_of(source.file) for source in sources} - {None}
    return "openvino" if len(sources) >= PAYS_FROM * max(len(sizes), 1) else "torch"


def _names(sources: list[Source], table: Predictions) -> list[str]:
    """Return what the names of the results begin with, so that no result overwrites another source's.

    A source keeps the name that it has in the table; files that no table explains are somebody else's.
    """
    taken = {row.name for row in table.rows.values()}
    requested = {source.name for source in sources}
    names = []
    for source in sources:
        row = table.rows.get(table.key(source.file))
        name, number = source.name, 1
        if row is not None and row.name:
            name = row.name
        else:
            while name in taken or (number > 1 and name in requested) or _lies_there(table.folder, name):
                number += 1
                name = f"{source.name}-{number}"
        taken.add(name)
        names.append(name)
    return names


def _lies_there(folder: Path, name: str) -> bool:
    endings = ("labelIds.png", "color.png", "overlay.jpg", "overlay.mp4")
    return any((folder / f"{name}_{ending}").exists() for ending in endings)


def _digest(weights: Path) -> str:
    file = find_weights(weights)
    parts = [file, file.with_suffix(".bin")] if file.suffix == ".xml" else [file]  # OpenVINO's two
    return sha256(*parts)


def _note(made: Predicted | None, source: Source, outcome: PredictedFiles) -> None:
    if made is None:
        outcome.existing.append(source.file)
        return
    outcome.predicted.append(made)
    if made.video is not None and made.video.problem:
        outcome.failed[source.file] = (
            f"{source.file}: the video is damaged or was cut off ({made.video.problem}). Fetch or copy it again."
        )


def _reason(file: Path, error: Exception) -> str:
    if is_out_of_memory(error):
        return f"{file}: there isn't memory enough for it. Choose a smaller target_size."
    if isinstance(error, cv2.error):
        return f"{file}: can't be predicted ({' '.join(str(error).split())})."
    if not isinstance(error, ScenesegError):
        raise error
    if is_heic(file):
        return f"{file}: {HEIC}."
    text = str(error)
    return text if str(file) in text else f"{file}: {text}"
