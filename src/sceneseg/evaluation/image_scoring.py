"""Scoring a classifier on a split of an image folder."""

import logging
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from sceneseg import datasets
from sceneseg.datasets.image_folder import ImageFolder
from sceneseg.errors import DataError, refuse_options
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.stored import origin
from sceneseg.inference.classifier import TASK, ClassificationModel
from sceneseg.loading import scene_samples
from sceneseg.loading.image_samples import CENTER, image_loader
from sceneseg.metrics.classification import ClassificationCounts
from sceneseg.metrics.scores import accuracy_scores
from sceneseg.metrics.table import accuracy_table
from sceneseg.progress import OnStep, reported, silent
from sceneseg.records.answers import write_answers
from sceneseg.records.protocol import Protocol
from sceneseg.records.run_directory import RunDirectory
from sceneseg.records.scores import Scores, write_scores
from sceneseg.version import __version__

LOG = logging.getLogger(__name__)
BATCH = 32
"""Images at once in validation; the same in every caller, so that the same weights get the same score."""


def score_weights(path: Path, request: Request, on_step: OnStep = silent) -> tuple[Scores, str]:
    """Score a run's best weights or a weights file; a run keeps scores and answers under `evaluations`.

    Args:
        path: Run directory or weights file.
        request: What is scored.
        on_step: Called after each batch.

    Returns:
        The scores, and the printed table.

    Raises:
        ConfigError: An option that only segmentation has.
    """
    refuse_options(
        {"label_map": request.label_map, "label_space": request.label_space, "size_bands": request.size_bands}
        | {"void": request.void != "ignore"},
        "these are about pixels, and the weights classify whole images. Leave them out.",
    )
    model = ClassificationModel.load(path, request.device)
    model.input.target_size = request.target_size or model.input.target_size
    dataset = _open(request, model, path)
    batches = image_loader(dataset, model.input.target_size, scene_samples.default_workers(), BATCH)
    answers = model.evaluate(reported(batches, -(-len(dataset) // BATCH), on_step))
    scores = score(answers, dataset, model)
    if path.is_dir():
        kept = RunDirectory(path).evaluation(f"{dataset.name}-{dataset.split}")
        write_scores(kept.metrics, replace(scores, origin=origin(path, request, dataset.root)))
        write_answers(kept.answers, answers.answers())
    return scores, accuracy_table(scores)


def _open(request: Request, model: ClassificationModel, path: Path) -> ImageFolder:
    """Open the split with the model's classes; without a root, where the run found its data."""
    root = request.root or (RunDirectory(path).load_config().data.root if path.is_dir() else None)
    return open_split(request.data or "image_folder", root=root, split=request.split, classes=model.classes)


def open_split(name: str, **arguments: Any) -> ImageFolder:
    """Open a split of images with one class each, and say which files were skipped.

    Raises:
        DataError: It isn't where it should be, or is a data set of another kind.
    """
    dataset = datasets.datasets.create(name, **arguments)
    if not isinstance(dataset, ImageFolder):
        raise DataError(
            f"{dataset.name} has labels for pixels; the task classification needs images with one class each. Give "
            f"a folder of them as the data set image_folder.",
            field="data.name",
        )
    if dataset.note:
        LOG.warning(dataset.note)
    return dataset


def score(answers: ClassificationCounts, dataset: ImageFolder, model: ClassificationModel) -> Scores:
    """Return every score with its protocol."""
    names = "\n".join(file.name for file in dataset.files)
    protocol = Protocol(
        task=TASK,
        dataset=dataset.name,
        split=dataset.split,
        images=len(dataset),
        split_hash=sha256(names.encode()).hexdigest()[:16],
        number_of_classes=len(dataset.classes),
        input_size=model.input.target_size,
        window=f"center, {CENTER:.3g} of the shorter side",
        tta="none",
        precision=model.input.precision,
        scorer=f"sceneseg {__version__}",
    )
    return replace(accuracy_scores(answers), protocol=protocol)
