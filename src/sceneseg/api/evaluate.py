"""`evaluate`: scores of a model, of predictions in files, or of the counts of a run, on a labeled split."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from sceneseg.api.progress import OnProgress, counter, ignore
from sceneseg.arrays import ImageSize
from sceneseg.errors import ConfigError, refuse_options
from sceneseg.evaluation import scoring, stored
from sceneseg.evaluation.heading import heading
from sceneseg.evaluation.request import Request
from sceneseg.labels import LabelSpace
from sceneseg.records.protocol import AbsentRule, Protocol, VoidRule
from sceneseg.records.scores import Scores, write_scores
from sceneseg.records.targets import check_targets
from sceneseg.tasks import task_class, task_of


@dataclass(frozen=True)
class Evaluation:
    """Scores on a split, with the protocol by which they were measured.

    Args:
        scores: What metrics.json holds: the protocol, the means, and the scores of each class, in [0, 1].
        table: The same as people read it.

    Example:
        >>> import sceneseg
        >>> evaluation = sceneseg.evaluate(counts="runs/small", label_space="categories")
        >>> print(evaluation)  # doctest: +ELLIPSIS
        cityscapes val, 2 images, classes of ...
    """

    scores: Scores
    table: str

    @property
    def mean_iou(self) -> float | None:
        """Mean IoU in [0, 1]; None for a classifier, and where no class can be scored."""
        return self.scores.means.get("mean_iou")

    @property
    def protocol(self) -> Protocol:
        """Protocol by which the scores were measured."""
        return self.scores.protocol

    def __str__(self) -> str:
        return f"{heading(self.protocol)}\n\n{self.table}"


def evaluate(
    weights: str | PathLike[str] | None = None,
    *,
    predictions: str | PathLike[str] | None = None,
    counts: str | PathLike[str] | None = None,
    data: str | None = None,
    root: str | PathLike[str] | None = None,
    split: str | None = None,
    target_size: ImageSize | None = None,
    void: VoidRule = "ignore",
    absent: AbsentRule = "skip",
    label_map: str | PathLike[str] | None = None,
    label_space: str | LabelSpace | None = None,
    size_bands: Sequence[int] | None = None,
    json: str | PathLike[str] | None = None,
    device: str = "auto",
    on_progress: OnProgress = ignore,
) -> Evaluation:
    """Score a model, or label-id images made elsewhere, on a labeled split.

    A run keeps the scores of its weights, with the counts they were computed from, in its folder `evaluations`.

    Args:
        weights: Run directory or weights file.
        predictions: Instead of weights: a folder of label-id PNGs, NAME_labelIds.png or NAME.png.
        counts: Instead of weights: a run (or an evaluation in it) whose counts are scored again, without the model.
        data: Data set; the one the model was trained on, or that the counts are of, when absent.
        root: Its folder; the one of the training when absent.
        split: Split to score; "val" when absent, of counts that of the run's own scores.
        target_size: (height, width) in pixels that the network sees; as in training when absent. Scores are at the
            labels' own size.
        void: "ignore": void truth never counts. "false_positive": a class predicted on void truth is wrong.
        absent: What a class without a pixel in truth and prediction is. "skip": left out of the means, as in
            Cityscapes. "zero": 0, also in the means, as in ADE20K.
        label_map: YAML file of "model class: data class", for a model of another label space.
        label_space: Score in another label space: categories, road (and other), any of them +void, a YAML file, or a
            `LabelSpace`.
        size_bands: Also score single objects by their size: pixels that divide the bands, for example (1024, 9216).
        json: Also write the scores to this file.
        device: auto, cpu, cuda, ...
        on_progress: Called after each image.

    Raises:
        ConfigError: Arguments that don't go together, or a label space or map that doesn't fit.
        DataError: The data, or a prediction, isn't there or can't be read.
        RunError: There are no weights or counts.

    Example:
        >>> import sceneseg
        >>> evaluation = sceneseg.evaluate("runs/small", split="val", device="cpu")
        >>> evaluation.protocol.images, 0 <= evaluation.mean_iou <= 1
        (2, True)
    """
    if sum(given is not None for given in (weights, predictions, counts)) != 1:
        raise ConfigError(
            "Expected one of weights (a run or weights file), predictions (a folder) and counts (a run).",
            field="weights",
        )
    if weights is None:
        refuse_options(
            {"target_size": target_size, "label_map": label_map, "root": root if counts is not None else None},
            "no model runs here. Leave these out, or score a model by its weights.",
        )
    json = None if json is None else Path(json)
    check_targets(json)
    request = Request(
        data,
        None if root is None else str(root),
        split or "val",
        target_size,
        void,
        device,
        None if label_map is None else Path(label_map),
        label_space,
        None if size_bands is None else list(size_bands),
        absent,
    )
    on_step = counter(on_progress, "evaluating")
    if counts is not None:
        scores, table = scoring.score_run(stored.counts_of(Path(counts), data, split).path, request)
    elif predictions is not None:
        scores, table = scoring.score_files(Path(predictions), request, on_step)
    else:
        path = Path(weights or "")
        scores, table = task_class(task_of(path)).score_weights(path, request, on_step)
    if json is not None:
        write_scores(Path(json), scores)
    return Evaluation(scores, table)
