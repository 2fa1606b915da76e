"""`view`: scenes of a split as one image, to see whether images and labels belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sceneseg.api.splits import open_split
from sceneseg.config.files import load
from sceneseg.config.schema import Config
from sceneseg.errors import refuse_options
from sceneseg.loading.preview import preview_samples, preview_weather
from sceneseg.report.data_set import draw_annotations, draw_gallery


@dataclass(frozen=True)
class Preview:
    """An image of a split.

    Args:
        path: The PNG file.
        scenes: Names of the scenes in it, from top to bottom.

    Example:
        >>> from pathlib import Path
        >>> import sceneseg
        >>> sceneseg.Preview(Path("preview.png"), ("street_1",)).scenes
        ('street_1',)
    """

    path: Path
    scenes: tuple[str, ...]


def view(
    data: str,
    root: str | Path | None = None,
    *,
    split: str = "train",
    out: str | Path = "preview.png",
    count: int | None = None,
    augment: bool = False,
    config: str | Path | None = None,
    label_space: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Preview:
    """Draw some scenes of a split as image, label colors and overlay.

    Args:
        data: Name of the data set.
        root: Its folder; the environment variable ``<NAME>_DATASET`` when absent.
        split: The split.
        out: PNG file to write.
        count: Number of scenes, taken at even distances; 4 when absent.
        augment: Draw the transforms of a training instead: each kind of weather, and the first samples of a run.
        config: With `augment`, the YAML file whose transforms (and sizes) are drawn; the defaults when absent.
        label_space: Another label space: categories, road (and other), any of them +void, or a YAML file.
        options: Further arguments of the data set.

    Raises:
        ConfigError: `config` without `augment`, or `count` with it, or an argument that doesn't fit.
        DataError: The split can't be opened or read.

    Example:
        >>> import sceneseg
        >>> len(sceneseg.view("cityscapes", "data/toy", count=2, out="preview.png").scenes)
        2
    """
    if augment:
        refuse_options({"count": count}, "augment shows one scene in many ways. Leave it out.")
    else:
        refuse_options({"config": config}, "the file holds transforms. Set augment as well, or leave it out.")
    dataset, path = open_split(data, root, split, label_space, options), Path(out)
    if augment:
        middle = dataset.read(len(dataset) // 2)
        samples = preview_samples(dataset, Config() if config is None else load(Path(config)))
        shown = [(image, f"sample {number}: {name}") for number, (image, name) in enumerate(samples)]
        draw_gallery([*preview_weather(middle), *shown], path)
        return Preview(path, (middle.name, *(name for _, name in samples)))
    chosen = np.linspace(0, len(dataset) - 1, min(count or 4, len(dataset))).round().astype(int).tolist()
    draw_annotations([dataset.read(i) for i in chosen], dataset.label_space, path)
    return Preview(path, tuple(dataset.files[i].name for i in chosen))
