"""`sceneseg data stats`: images, sizes and classes of a split."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli import tables
from sceneseg.cli.output import terminal
from sceneseg.cli.progress import Bars
from sceneseg.config import command_line, panels
from sceneseg.ranges import Count


def stats(
    *,
    data: Annotated[str, Parameter(name=("--data", "-d"), group=panels.DATA)],
    root: Annotated[str | None, Parameter(name=("--root", "-p"), group=panels.DATA)] = None,
    split: Annotated[str, Parameter(group=panels.DATA)] = "train",
    label_space: Annotated[str | None, Parameter(group=panels.DATA)] = None,
    json: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
    picture: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
    examples: Annotated[Count | None, Parameter(group=panels.OUTPUT)] = None,
    options: Annotated[dict[str, str] | None, Parameter(name="--options", group=panels.DATA)] = None,
) -> None:
    """Count images, sizes, and pixels and images of each class; show the class weights that follow.

    Example: sceneseg data stats -d camvid -p ~/CamVid --picture camvid.png

    Args:
        data: Data set: cityscapes, camvid, folder, ...
        root: Its folder; without it the environment variable <NAME>_DATASET.
        split: Part to count.
        label_space: Count in another label space: categories, road (and other), any of them +void, or a YAML file.
        json: Also write everything, and what occurs with what, to this file.
        picture: Also draw bars, what occurs with what, and annotated examples to this PNG file.
        examples: Scenes in the image, 6 when absent; together they show as many classes as they can.
        options: Further arguments of the data set, for example --options.coarse true
    """
    from sceneseg.api.statistics import statistics

    with Bars() as bars:
        found = statistics(
            data,
            root,
            split=split,
            label_space=label_space,
            json=json,
            picture=picture,
            examples=examples,
            options=command_line.nested(options),
            on_progress=bars,
        )
    tables.print_statistics(found, terminal())
    if json is not None:
        print(f"written to {json}")
    if picture is not None:
        print(f"drawn in {picture}")
