"""Scoring a classifier on a split of an image folder."""

from pathlib import Path
from typing import Any

from rich.progress import track

from sceneseg.datasets.image_folder import ImageFolder
from sceneseg.errors import refuse_options
from sceneseg.evaluation.scoring import Request
from sceneseg.evaluation.stored import origin
from sceneseg.loading import scene_samples
from sceneseg.loading.image_samples import image_loader
from sceneseg.metrics.accuracy import accuracy_table
from sceneseg.records import runs
from sceneseg.records.runs import Run
from sceneseg.tasks.classification import BATCH, ClassificationModel, open_split, score, write_answers


def score_weights(path: Path, request: Request) -> tuple[dict[str, Any], str]:
    """Score a run's best weights or a weights file; a run keeps scores and answers under `evaluations`.

    Returns:
        The contents of metrics.json, and the printed table.

    Raises:
        ConfigError: An option that only segmentation has.
    """
    refuse_options(
        {"--label-map": request.label_map, "--label-space": request.label_space, "--size-bands": request.size_bands}
        | {"--void": request.void != "ignore"},
        "these options are about pixels, these weights classify whole images. Leave them out.",
    )
    model = ClassificationModel.load(path, request.device)
    model.input.target_size = request.target_size or model.input.target_size
    dataset = _open(request, model, path)
    batches = image_loader(dataset, model.input.target_size, scene_samples.default_workers(), BATCH)
    answers = model.evaluate(track(batches, "evaluating", transient=True))
    scores = score(answers, dataset, model)
    if path.is_dir():
        kept = Run(path).evaluation(f"{dataset.name}-{dataset.split}")
        runs.write_json(kept.metrics, {**scores, "origin": origin(path, request, dataset.root)})
        write_answers(kept, answers)
    return scores, accuracy_table(scores)  # type: ignore[arg-type]


def _open(request: Request, model: ClassificationModel, path: Path) -> ImageFolder:
    """Open the split with the model's classes; without -p, where the run found its data."""
    root = request.root or (Run(path).load_config().data.root if path.is_dir() else None)
    return open_split(request.data or "image_folder", root=root, split=request.split, classes=model.classes)
