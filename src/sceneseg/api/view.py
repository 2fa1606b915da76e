"""`view`: scenes of a split as one picture, to see whether images and labels belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sceneseg.api.splits import open_split
from sceneseg.arrays import ImageArray
from sceneseg.config.schema import AugmentConfig, Config, load
from sceneseg.datasets.base import Scene, SceneDataset
from sceneseg.errors import refuse_options
from sceneseg.loading.scene_samples import TrainingSamples
from sceneseg.report.data_set import draw_annotations, draw_gallery
from sceneseg.transforms.geometry import jitter, sample_generator
from sceneseg.transforms.weather import EFFECTS, apply_weather

SAMPLES = 6
"""Samples of a run that are shown."""


@dataclass(frozen=True)
class Preview:
    """A picture of a split.

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
        root: Its folder; what the environment variable ``<NAME>_DATASET`` says when absent.
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
        samples = _training_samples(dataset, Config() if config is None else load(Path(config)))
        draw_gallery(
            [*_weather(middle), *((image, f"sample {i}: {name}") for i, (image, name) in enumerate(samples))], path
        )
        return Preview(path, (middle.name, *(name for _, name in samples)))
    chosen = np.linspace(0, len(dataset) - 1, min(count or 4, len(dataset))).round().astype(int).tolist()
    draw_annotations([dataset.read(i) for i in chosen], dataset.label_space, path)
    return Preview(path, tuple(dataset.files[i].name for i in chosen))


def _weather(scene: Scene) -> list[tuple[ImageArray, str]]:
    """Return a scene in every kind of weather, as strong as training draws it by default."""
    strength = AugmentConfig().weather_strength
    return [
        (apply_weather(scene.image, [(kind, strength)], sample_generator(0, i)), kind) for i, kind in enumerate(EFFECTS)
    ]


def _training_samples(dataset: SceneDataset, config: Config) -> list[tuple[ImageArray, str]]:
    """Return the first samples of a run as the network sees them, with the names of their scenes."""
    samples = TrainingSamples(dataset, config.augment, config.seed, config.data.target_size, cache=False)
    shown = []
    for number in range(SAMPLES):
        image, _, color, name = samples[number]
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        changed = jitter(pixels, torch.from_numpy(color)[None])[0].permute(1, 2, 0)
        shown.append(((changed * 255).round().byte().numpy(), name))
    return shown
