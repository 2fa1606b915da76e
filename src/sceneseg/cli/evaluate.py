"""`sceneseg evaluate`: score a model, or predictions in files, on a labeled split."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from sceneseg.ranges import Count, Side
from sceneseg.wording import counted

if TYPE_CHECKING:
    from sceneseg.evaluation.request import Request

Size = tuple[Side, Side]


def evaluate(
    *,
    weights: Annotated[Path | None, Parameter(alias="-w")] = None,
    predictions: Path | None = None,
    run: Annotated[Path | None, Parameter(name="--from")] = None,
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    root: Annotated[str | None, Parameter(alias="-p")] = None,
    split: str | None = None,
    target_size: Annotated[Size | None, Parameter(alias="-t", negative="")] = None,
    void: Literal["ignore", "false_positive"] = "ignore",
    absent: Literal["skip", "zero"] = "skip",
    label_map: Path | None = None,
    label_space: str | None = None,
    size_bands: Annotated[list[Count] | None, Parameter(negative="", consume_multiple=True)] = None,
    submission: Path | None = None,
    zip: bool = False,
    json: Path | None = None,
    device: str = "auto",
) -> None:
    """Score a model, or label-id pictures made elsewhere, and print the tables of cityscapesScripts.

    A classifier's scores are its accuracies.

    Example: sceneseg evaluate -w runs/demo/fast_scnn --split val

    Example: sceneseg evaluate --from runs/demo/fast_scnn --label-space categories --size-bands 1024 9216

    Example: sceneseg evaluate -w runs/city -d cityscapes -p ~/Cityscapes --split test --submission berlin --zip

    Args:
        weights: Run directory or weights file.
        predictions: Instead of weights: a folder of label-id PNGs, NAME_labelIds.png or NAME.png.
        run: Instead of weights: a run (or an evaluation in it) whose counts are scored again, without the model; with
            --split those of another split, if the run keeps an evaluation of it.
        data: Data set; the one the model was trained on, or that the counts are of, when absent.
        root: Its folder; the one of the training when absent.
        split: Split to score; val when absent, with --from that of the run's own scores.
        target_size: HEIGHT WIDTH the network sees; as in training when absent. Scores are at the labels' own size.
        void: ignore: void truth never counts. false_positive: a class predicted on void truth is wrong.
        absent: What a class without a pixel in truth and prediction is. skip: left out of the means, as in Cityscapes.
            zero: 0, also in the means, as in ADE20K.
        label_map: YAML of "model class: data class", for a model of another label space.
        label_space: Score in another label space: categories, road (and other), any of them +void, or a YAML file.
        size_bands: Also score single objects by their size: pixels that divide the bands, for example 1024 9216
            (32² and 96², COCO's). For data sets that tell objects apart.
        submission: Instead of scores: write what the data set's evaluation server wants for the split to this folder,
            and check it; without weights only check it. cityscapes, kitti_semantic, kitti_road.
        zip: Also put the submission into FOLDER.zip, to be uploaded.
        json: Also write the scores to this file.
        device: auto, cpu or cuda.
    """
    from sceneseg.errors import ConfigError, refuse_options
    from sceneseg.evaluation import image_scoring, scoring, stored
    from sceneseg.evaluation.request import Request
    from sceneseg.records.run_directory import write_json
    from sceneseg.records.targets import check_targets
    from sceneseg.tasks import task_of

    refuse_options(
        {"zip": zip and submission is None}, "only a submission is zipped. Give submission, its folder, too."
    )
    request = Request(data, root, split or "val", target_size, void, device, label_map, label_space, size_bands, absent)
    if submission is not None:
        refuse_options(
            {"predictions": predictions, "run": run, "void": void != "ignore", "label_map": label_map}
            | {"absent": absent != "skip", "label_space": label_space, "size_bands": size_bands, "json": json},
            "a submission isn't scored here. Leave submission out to score, or these to write one with weights.",
        )
        _submit(submission, weights, request, zip)
        return
    if sum(given is not None for given in (weights, predictions, run)) != 1:
        raise ConfigError("Give either -w RUN_OR_WEIGHTS or --predictions FOLDER, or --from RUN to score its counts.")
    if weights is None:
        refuse_options(
            {"target_size": target_size, "label_map": label_map, "root": root if run is not None else None},
            "no model runs here. Leave these out, or score a model by its weights.",
        )
    check_targets(json)
    if run is not None:
        scores, table = scoring.score_run(stored.counts_of(run, data, split).path, request)
    elif predictions is not None:
        scores, table = scoring.score_files(predictions, request)
    elif weights is not None and task_of(weights) == "classification":
        scores, table = image_scoring.score_weights(weights, request)
    elif weights is not None:
        scores, table = scoring.score_weights(weights, request)
    print(f"{_heading(scores['protocol'])}\n\n{table}")
    if json is not None:
        write_json(json, scores)
        print(f"written to {json}")


def _heading(protocol: dict[str, Any]) -> str:
    """Say what the scores are of: data set, split and images, and what else isn't as usual."""
    size, space = protocol.get("input_size", "native"), protocol.get("label_space", protocol["dataset"])
    parts = [
        f"{protocol['dataset']} {protocol['split']}",
        counted(protocol["images"], "image") if "images" in protocol else "",
        f"input {size[0]} x {size[1]}" if size != "native" else "",
        f"classes of {space}" if space != protocol["dataset"] else "",
    ]
    parts += ["absent classes count 0"] if protocol.get("absent") == "zero" else []
    return ", ".join(part for part in parts if part)


def _submit(folder: Path, weights: Path | None, request: "Request", zip: bool) -> None:
    """Write a submission, if there is a model for it, check it, and zip it if asked."""
    from sceneseg import datasets
    from sceneseg.errors import ConfigError
    from sceneseg.evaluation import scoring, submission
    from sceneseg.inference.predictor import SemanticModel

    if weights is not None:
        model = SemanticModel.load(weights, request.device)
        model.input.target_size = request.target_size or model.input.target_size
        dataset = scoring.open_scenes(request, model, weights)
        submission.write_submission(model, dataset, folder)
    elif request.data is None:
        raise ConfigError("Which images is the submission for? Give -d NAME -p ROOT --split test.")
    else:
        dataset = datasets.create(request.data, root=request.root, split=request.split)
    files = submission.check_submission(dataset, folder)
    print(f"{counted(len(files), 'file')} in {folder}: one for each image of {dataset.name} {dataset.split}, all right")
    if doubt := submission.doubts(dataset):
        print(doubt)
    if zip:
        archive = folder.with_name(f"{folder.name}.zip")
        submission.write_zip(dataset, files, archive)
        print(f"zipped in {archive}")
    print(f"upload at {submission.rules_of(dataset).upload}")
