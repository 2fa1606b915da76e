"""`statistics`: images, sizes and classes of a split, and the class weights that follow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sceneseg.api.progress import OnProgress, counter, ignore
from sceneseg.api.splits import open_split
from sceneseg.datasets.statistics import Statistics, measure
from sceneseg.errors import refuse_options
from sceneseg.records.run_directory import write_json
from sceneseg.records.targets import check_targets


def statistics(
    data: str,
    root: str | Path | None = None,
    *,
    split: str = "train",
    label_space: str | Path | None = None,
    json: str | Path | None = None,
    picture: str | Path | None = None,
    examples: int | None = None,
    options: Mapping[str, Any] | None = None,
    on_progress: OnProgress = ignore,
) -> Statistics:
    """Count images, sizes, and pixels and images of each class; compute the class weights that follow.

    Args:
        data: Name of the data set.
        root: Its folder; the environment variable ``<NAME>_DATASET`` when absent.
        split: The split.
        label_space: Another label space: categories, road (and other), any of them +void, or a YAML file.
        json: Also write everything, and which classes occur together, to this file.
        picture: Also draw bars, which classes occur together, and annotated examples to this PNG file.
        examples: Number of scenes in the image, 6 when absent; together they show as many classes as they can.
        options: Further arguments of the data set.
        on_progress: Called after each scene.

    Raises:
        ConfigError: `examples` without an image, or an argument that doesn't fit.
        DataError: The split can't be opened or read, or has no labels.

    Example:
        >>> import sceneseg
        >>> found = sceneseg.statistics("cityscapes", "data/toy", split="val")
        >>> len(found.classes), found.together.shape
        (19, (19, 19))
    """
    if picture is None:
        refuse_options({"examples": examples}, "the scenes are shown in an image. Name its file, or leave it out.")
    dataset = open_split(data, root, split, label_space, options)
    files = [None if file is None else Path(file) for file in (json, picture)]
    check_targets(*files)
    found = measure(dataset, counter(on_progress, "counting", len(dataset)))
    table, drawing = files
    if table is not None:
        write_json(table, found.to_dict())
    if drawing is not None:
        from sceneseg.report.data_set import draw_statistics  # matplotlib takes long to import

        draw_statistics(found, drawing, examples or 6)
    return found
