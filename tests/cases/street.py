"""The frame of the cases: a drawn street of three classes, files of it in any form, and a network that knows it.

A case is a small data set made after a fault that people met, in this project or in another one, and what must become
of it. Each topic has a file ``cases_TOPIC.py`` with a list `CASES`; `test_cases.py` runs all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sceneseg.datasets.base import SceneDataset
from sceneseg.inference.predictor import SemanticModel
from sceneseg.models.base import SegmentationModel

NAMES = ("road", "car", "sky")
COLORS = np.array([[90, 90, 90], [200, 30, 30], [120, 180, 250]], np.uint8)
"""Of the classes in the images."""
SPLITS = [*(("train", i) for i in range(4)), *(("val", i) for i in range(4, 6))]


@dataclass(frozen=True)
class Case:
    """A small data set and what must become of it.

    Args:
        name: Of the case.
        make: Writes the data set to a folder that is there.
        errors: Kinds of the errors that the doctor finds, each once.
        warnings: Kinds of its warnings, as far as they matter; None: they aren't looked at.
        refused: Key words (a regular expression) of the sentence with which training and opening refuse; None: it
            trains, and the street's own network finds every pixel right (mean IoU over 0.97).
        evaluated: Key words with which scoring refuses, where they are others than training's; "": it scores as it
            should although training is refused; None: as `refused`.
        score: The least mean IoU of the street's network, where it trains; None: there is no score.
        data: Name of the data set's reader.
        options: Further arguments of the reader.
        shared: The script of the same kind in ``shared/cases/data``, which is run instead of `make` where it exists.
    """

    name: str
    make: Callable[[Path], None]
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] | None = None
    refused: str | None = None
    evaluated: str | None = None
    score: float | None = 0.97
    data: str = "folder"
    options: tuple[tuple[str, Any], ...] = ()
    shared: str | None = None


def scene(i: int, size: tuple[int, int] = (96, 192)) -> tuple[np.ndarray, np.ndarray]:
    """Draw street `i`: an image (H, W, 3) uint8 and its labels (H, W) uint8, 0 road, 1 car, 2 sky."""
    rng = np.random.default_rng(i)
    height, width = size
    labels = np.zeros(size, np.uint8)
    labels[: height // 2] = 2
    x, y = rng.integers(0, width - width // 4), height // 2 - height // 8 + rng.integers(0, max(1, height // 8))
    labels[y : y + height // 4, x : x + width // 4] = 1
    noisy = COLORS[labels].astype(int) + rng.integers(-20, 21, (*size, 3))
    return noisy.clip(0, 255).astype(np.uint8), labels


def put(
    root: Path,
    split: str,
    name: str,
    image: np.ndarray | Image.Image,
    mask: np.ndarray | Image.Image | None,
    endings: tuple[str, str] = (".png", ".png"),
    **options: Any,
) -> None:
    """Write an image and its mask to ``images/SPLIT`` and ``masks/SPLIT``; `options` are Pillow's for the image."""
    for folder, content, ending, saved in (("images", image, endings[0], options), ("masks", mask, endings[1], {})):
        if content is None:
            continue
        file = root / folder / split / (name + ending)
        file.parent.mkdir(parents=True, exist_ok=True)
        (content if isinstance(content, Image.Image) else Image.fromarray(content)).save(file, **saved)


def describe(root: Path, text: str = "names: [road, car, sky]\n") -> None:
    """Write data.yaml."""
    (root / "data.yaml").write_text(text, encoding="utf-8")


def write_streets(
    root: Path,
    yaml: str = "names: [road, car, sky]\n",
    mask: Callable[[np.ndarray, int], Any] = lambda labels, i: labels,
) -> None:
    """Write the whole data set, with masks made of the labels by `mask(labels, number)`."""
    describe(root, yaml)
    for split, i in SPLITS:
        image, labels = scene(i)
        put(root, split, f"s{i}", image, mask(labels, i))


class StreetNetwork(SegmentationModel):
    """Gives each pixel the class whose color is nearest; right wherever pixels and classes are read right."""

    size_divisor = 1

    def __init__(self, classes: tuple[str, ...] = NAMES) -> None:
        super().__init__(len(classes))
        known = {name: COLORS[i] for i, name in enumerate(NAMES)}
        colors = np.stack([known.get(name, np.full(3, 5000)) for name in classes]) / 255
        self.register_buffer("colors", torch.tensor(colors, dtype=torch.float32))

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return minus the squared distances to the classes' colors."""
        distance = image[:, None] - self.colors[None, :, :, None, None]
        return (-100 * (distance**2).sum(2),)


def street_model(dataset: SceneDataset) -> SemanticModel:
    """Return the network as a model of a data set's classes."""
    names = tuple(dataset.label_space.names)
    return SemanticModel(StreetNetwork(names).eval(), dataset.label_space, {"name": "street"})
