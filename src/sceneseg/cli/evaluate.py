"""`sceneseg evaluate`: score a model, or predictions in files, on a labeled split."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from sceneseg.cli.progress import Bars
from sceneseg.config import panels
from sceneseg.ranges import Count, Side

Size = tuple[Side, Side]


def evaluate(
    *,
    weights: Annotated[Path | None, Parameter(group=panels.MODEL, alias="-w")] = None,
    predictions: Annotated[Path | None, Parameter(group=panels.MODEL)] = None,
    counts: Annotated[Path | None, Parameter(group=panels.MODEL, name="--from")] = None,
    data: Annotated[str | None, Parameter(group=panels.DATA, alias="-d")] = None,
    root: Annotated[str | None, Parameter(group=panels.DATA, alias="-p")] = None,
    split: Annotated[str | None, Parameter(group=panels.DATA)] = None,
    target_size: Annotated[Size | None, Parameter(group=panels.TRANSFORMS, alias="-t", negative="")] = None,
    void: Literal["ignore", "false_positive"] = "ignore",
    absent: Literal["skip", "zero"] = "skip",
    label_map: Annotated[Path | None, Parameter(group=panels.DATA)] = None,
    label_space: Annotated[str | None, Parameter(group=panels.DATA)] = None,
    size_bands: Annotated[list[Count] | None, Parameter(negative="", consume_multiple=True)] = None,
    submission: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
    zip: Annotated[bool, Parameter(group=panels.OUTPUT)] = False,
    json: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
    device: Annotated[str, Parameter(group=panels.RUNTIME)] = "auto",
) -> None:
    """Score a model, or label-id images made elsewhere, and print the tables of cityscapesScripts.

    A classifier's scores are its accuracies.

    Example: sceneseg evaluate -w runs/demo/fast_scnn --split val

    Example: sceneseg evaluate --from runs/demo/fast_scnn --label-space categories --size-bands 1024 9216

    Example: sceneseg evaluate -w runs/city -d cityscapes -p ~/Cityscapes --split test --submission berlin --zip

    Args:
        weights: Run directory or weights file.
        predictions: Instead of weights: a folder of label-id PNGs, NAME_labelIds.png or NAME.png.
        counts: Instead of weights: a run (or an evaluation in it) whose counts are scored again, without the model;
            with --split those of another split, if the run keeps an evaluation of it.
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
            (32² and 96², COCO's). For data sets with single objects.
        submission: Instead of scores: write the files that the data set's evaluation server expects to this folder,
            and check it; without weights only check it. cityscapes, kitti_semantic, kitti_road.
        zip: Also put the submission into FOLDER.zip, to be uploaded.
        json: Also write the scores to this file.
        device: auto, cpu or cuda.
    """
    from sceneseg.api import evaluate as scoring
    from sceneseg.api.submit import Submission, submit
    from sceneseg.errors import refuse_options

    refuse_options(
        {"zip": zip and submission is None}, "only a submission is zipped. Give submission, its folder, too."
    )
    result: scoring.Evaluation | Submission
    with Bars() as bars:
        if submission is None:
            result = scoring.evaluate(
                weights,
                predictions=predictions,
                counts=counts,
                data=data,
                root=root,
                split=split,
                target_size=target_size,
                void=void,
                absent=absent,
                label_map=label_map,
                label_space=label_space,
                size_bands=size_bands,
                json=json,
                device=device,
                on_progress=bars,
            )
        else:
            refuse_options(
                {"predictions": predictions, "counts": counts, "void": void != "ignore", "label_map": label_map}
                | {"absent": absent != "skip", "label_space": label_space, "size_bands": size_bands, "json": json},
                "a submission isn't scored here. Leave submission out to score, or these to write one with weights.",
            )
            where = (data, root, split or "val")
            result = submit(submission, weights, *where, target_size, zip=zip, device=device, on_progress=bars)
    print(result)
    if json is not None:
        print(f"written to {json}")
