"""Counting predictions against their truth: of a model, or of files."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

from sceneseg.arrays import LabelArray
from sceneseg.datasets.base import Scene, SceneDataset
from sceneseg.datasets.files import files_below
from sceneseg.errors import ConfigError, DataError
from sceneseg.inference.prediction import Prediction
from sceneseg.inference.predictor import SemanticModel
from sceneseg.kernels.compilation import run_in_threads
from sceneseg.labels import LabelSpace
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.progress import OnStep, silent


def count_scenes(
    model: SemanticModel,
    scenes: Iterable[Scene],
    label_space: LabelSpace,
    on_scene: Callable[[Scene, LabelArray], None] | None = None,
    mapping: LabelArray | None = None,
    on_prediction: Callable[[Scene, Prediction], None] | None = None,
) -> SemanticCounts:
    """Predict labeled scenes and count.

    Args:
        model: What predicts.
        scenes: Scenes with labels.
        label_space: That of the scenes.
        on_scene: Sees each scene with the labels predicted for it.
        mapping: (256,) train id of the scenes' space for each of the model's, where the spaces differ.
        on_prediction: Sees each scene with its prediction, coarse logits included.
    """
    counts = SemanticCounts(label_space)
    for scene in scenes:
        predicted = model.predict(scene.image, scene.name)
        prediction = predicted.labels
        if mapping is not None:
            prediction = mapping[prediction]
        count_scene(counts, scene, prediction)
        if on_scene is not None:
            on_scene(scene, prediction)
        if on_prediction is not None:
            on_prediction(scene, predicted)
    return counts


def count_scene(counts: SemanticCounts, scene: Scene, prediction: LabelArray) -> None:
    """Add one labeled scene and the labels predicted for it to the counts."""
    if scene.labels is None:
        raise unlabeled(scene.name)
    counts.add(scene.name, scene.labels, prediction, scene.instances)


def unlabeled(name: str) -> ConfigError:
    """Return the error of a scene that has no labels to score by."""
    return ConfigError(
        f"{name} has no labels to compare with. Choose a split that has them, such as val.", field="split"
    )


def count_files(
    folder: Path,
    dataset: SceneDataset,
    on_step: OnStep = silent,
    *,
    with_instances: bool = True,
) -> SemanticCounts:
    """Count label-id images against their truth; several threads read, and the images themselves aren't.

    Args:
        folder: Where the predictions are.
        dataset: The labeled split.
        on_step: Called after each scene, by the thread that has counted it.
        with_instances: Also count single objects, where the data set has them.

    Raises:
        DataError: A prediction is missing or there are two, or it has another size than its truth.
    """
    found = _predictions(folder, dataset)
    counts = SemanticCounts(dataset.label_space)
    done = itertools.count(1)

    def count(i: int) -> SemanticCounts:
        name = dataset.files[i].name
        path = found[i]
        prediction = dataset.read_prediction(path)
        labels = dataset.read_labels(i)
        if labels is None:
            raise unlabeled(name)
        if prediction.shape != labels.shape:
            raise DataError(
                f"{path}: the prediction is {prediction.shape[0]} x {prediction.shape[1]} but its truth is "
                f"{labels.shape[0]} x {labels.shape[1]}. Write predictions at the size of the labels."
            )
        part = counts.part()
        part.add(name, labels, prediction, dataset.read_instances(i) if with_instances else None)
        on_step(next(done), len(dataset))
        return part

    for part in run_in_threads(count, len(dataset)):
        counts.merge(part)
    return counts


def _predictions(folder: Path, dataset: SceneDataset) -> list[Path]:
    """Return the prediction of each scene, in the order of the data set."""
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder of predictions.", field="predictions")
    found: dict[str, list[Path]] = {}
    for file in files_below(folder, {".png"}):
        found.setdefault(file.name, []).append(file)
    return [_prediction_of(files.name, found, folder) for files in dataset.files]


def _prediction_of(name: str, found: dict[str, list[Path]], folder: Path) -> Path:
    for candidate in (f"{name}_labelIds.png", f"{name}_gtFine_labelIds.png", f"{name}.png"):
        files = found.get(candidate, [])
        if len(files) > 1:
            raise DataError(
                f"Which is the prediction for {name}, {files[0]} or {files[1]}? Give a folder that has one of them."
            )
        if files:
            return files[0]
    raise DataError(f"{folder}: no prediction for {name}. Expected {name}_labelIds.png or {name}.png somewhere in it.")
