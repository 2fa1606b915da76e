"""`sceneseg evaluate`: score a model, or predictions in files, on a labelled split."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

Size = tuple[int, int]


def evaluate(
    *,
    weights: Annotated[Path | None, Parameter(alias="-w")] = None,
    predictions: Path | None = None,
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    root: Annotated[str | None, Parameter(alias="-p")] = None,
    split: str = "val",
    target_size: Annotated[Size | None, Parameter(alias="-t", negative="")] = None,
    void: Literal["ignore", "false_positive"] = "ignore",
    label_map: Path | None = None,
    json: Path | None = None,
    device: str = "auto",
) -> None:
    """Score a model, or label-id pictures made elsewhere, and print the tables of cityscapesScripts.

    Example: sceneseg evaluate -w runs/demo --split val

    Args:
        weights: Run directory or weights file.
        predictions: Instead of weights: a folder of label-id PNGs, NAME_labelIds.png or NAME.png.
        data: Data set; the one the model was trained on when absent.
        root: Its folder; the one of the training when absent.
        split: Split to score.
        target_size: HEIGHT WIDTH the network sees; as in training when absent. Scores are at the labels' own size.
        void: ignore: void truth never counts. false_positive: a class predicted on void truth is wrong.
        label_map: YAML of "model class: data class", for a model of another label space.
        json: Also write the scores to this file.
        device: auto, cpu or cuda.
    """
    from sceneseg.runs import write_json
    from sceneseg.tasks import scoring

    request = scoring.Request(data, root, split, target_size, void, device, label_map)
    if (weights is None) == (predictions is None):
        from sceneseg.errors import ConfigError

        raise ConfigError("Give either -w RUN_OR_WEIGHTS or --predictions FOLDER.")
    scores, table = (
        scoring.score_weights(weights, request)
        if weights is not None
        else scoring.score_files(Path(str(predictions)), request)
    )
    print(table)
    if json is not None:
        write_json(json, scores)
        print(f"written to {json}")
