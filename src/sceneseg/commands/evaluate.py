"""`sceneseg evaluate`: score a model, or predictions in files, on a labelled split."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

Size = tuple[int, int]


def evaluate(
    *,
    weights: Annotated[Path | None, Parameter(alias="-w")] = None,
    predictions: Path | None = None,
    run: Annotated[Path | None, Parameter(name="--from")] = None,
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    root: Annotated[str | None, Parameter(alias="-p")] = None,
    split: str = "val",
    target_size: Annotated[Size | None, Parameter(alias="-t", negative="")] = None,
    void: Literal["ignore", "false_positive"] = "ignore",
    label_map: Path | None = None,
    label_space: str | None = None,
    json: Path | None = None,
    device: str = "auto",
) -> None:
    """Score a model, or label-id pictures made elsewhere, and print the tables of cityscapesScripts.

    A classifier's scores are its accuracies.

    Example: sceneseg evaluate -w runs/demo --split val

    Example: sceneseg evaluate --from runs/demo --label-space categories

    Args:
        weights: Run directory or weights file.
        predictions: Instead of weights: a folder of label-id PNGs, NAME_labelIds.png or NAME.png.
        run: Instead of weights: a run (or an evaluation in it) whose counts are scored again, without the model.
        data: Data set; the one the model was trained on when absent.
        root: Its folder; the one of the training when absent.
        split: Split to score.
        target_size: HEIGHT WIDTH the network sees; as in training when absent. Scores are at the labels' own size.
        void: ignore: void truth never counts. false_positive: a class predicted on void truth is wrong.
        label_map: YAML of "model class: data class", for a model of another label space.
        label_space: Score in another label space: categories, road (and other), any of them +void, or a YAML file.
        json: Also write the scores to this file.
        device: auto, cpu or cuda.
    """
    from sceneseg.errors import ConfigError
    from sceneseg.runs import write_json
    from sceneseg.tasks import image_scoring, scoring, task_of

    request = scoring.Request(data, root, split, target_size, void, device, label_map, label_space)
    if sum(given is not None for given in (weights, predictions, run)) != 1:
        raise ConfigError("Give either -w RUN_OR_WEIGHTS or --predictions FOLDER, or --from RUN to score its counts.")
    if run is not None:
        scores, table = scoring.score_run(run, request)
    elif predictions is not None:
        scores, table = scoring.score_files(predictions, request)
    elif weights is not None and task_of(weights) == "classification":
        if label_space is not None:
            raise ConfigError("--label-space is about pixels, these weights classify whole images. Leave it out.")
        scores, table = image_scoring.score_weights(weights, request)
    elif weights is not None:
        scores, table = scoring.score_weights(weights, request)
    print(table)
    if json is not None:
        write_json(json, scores)
        print(f"written to {json}")
