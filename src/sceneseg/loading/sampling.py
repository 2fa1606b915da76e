"""Sampling other than by chance: class-uniform sampling and progressive sizes.

Everything here depends on seed and sample number (or on the position in the run) alone, like all other draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import ImageSize
from sceneseg.datasets.base import SceneDataset
from sceneseg.errors import DataError
from sceneseg.transforms.geometry import Window

GRID = (8, 16)
"""Cells of a scene, down and across; where a class is, is known to a cell."""


class ClassLocation(NamedTuple):
    """A point of a scene.

    Args:
        scene: Its number in the data set.
        row: 0 the top and 1 the bottom.
        column: 0 the left and 1 the right.
    """

    scene: int
    row: float
    column: float


@dataclass(frozen=True)
class ClassLocations:
    """Locations of each class in a split.

    Args:
        cells: For each class that occurs (N, 3) int32: scene, row and column of the cells that have some of it.
    """

    cells: list[npt.NDArray[np.int32]]


def find_class_locations(dataset: SceneDataset) -> ClassLocations:
    """Look through the labels of a split; at 1024x2048 that takes 4 ms a scene in addition to the reading.

    Raises:
        DataError: The split has no labels.
    """
    found: list[list[npt.NDArray[np.int32]]] = [[] for _ in range(len(dataset.label_space))]
    for i in range(len(dataset)):
        labels = dataset.read_labels(i)
        if labels is None:
            raise DataError(f"{dataset.name}: the {dataset.split} split has no labels to choose samples by.")
        enough = max(1, labels.size // (GRID[0] * GRID[1] * 500))
        for label, cells in zip(found, _pixels_per_cell(labels, len(found)), strict=True):
            if len(at := np.argwhere(cells >= enough)):
                label.append(np.column_stack([np.full(len(at), i), at]).astype(np.int32))
    return ClassLocations([np.concatenate(label) for label in found if label])


def _pixels_per_cell(labels: npt.NDArray[np.uint8], classes: int) -> npt.NDArray[np.int64]:
    """Estimate the pixels of each class in each cell, (C, rows, columns), from every other row and column."""
    step = 2 if min(labels.shape) >= 4 * max(GRID) else 1
    sparse = labels[::step, ::step].astype(np.int32)
    row, column = (np.arange(n) * parts // n for n, parts in zip(sparse.shape, GRID, strict=True))
    cell = row[:, None] * GRID[1] + column[None]
    counts = np.bincount((cell * 256 + sparse).ravel(), minlength=GRID[0] * GRID[1] * 256)
    return counts.reshape(*GRID, 256)[..., :classes].transpose(2, 0, 1) * step**2


def draw_class_location(places: ClassLocations, seed: int, number: int, share: float) -> ClassLocation | None:
    """Draw what a sample must show: first a class, all with the same probability, then a cell that has some of it.

    Args:
        places: From `find_class_locations`.
        seed: The run's.
        number: The sample's.
        share: Probability that the sample is chosen in this way.

    Returns:
        The middle of the cell, or None where the usual order decides.

    Source: Zhu et al., "Improving semantic segmentation via video propagation and label relaxation", CVPR 2019, who
    choose half of the samples of an epoch in this way.
    """
    # a stream of its own, separate from the sample's and the epoch's
    generator = np.random.Generator(np.random.Philox(key=[seed, number], counter=[0, 0, 0, 2]))
    if generator.random() >= share:
        return None
    cells = places.cells[generator.integers(len(places.cells))]
    scene, row, column = cells[generator.integers(len(cells))]
    return ClassLocation(int(scene), (row + 0.5) / GRID[0], (column + 0.5) / GRID[1])


def aim(generator: np.random.Generator, window: Window, place: ClassLocation, image_size: ImageSize) -> Window:
    """Move a window so that it shows a place, anywhere in it, and stays inside the image.

    Args:
        generator: The sample's own.
        window: Drawn as usual; an axis along which it shows the whole image stays.
        place: What it must show.
        image_size: (height, width) on disk.
    """
    offsets = [window.top, window.left]
    for axis, at in enumerate((place.row, place.column)):
        length, requested = window.scale[axis] * image_size[axis], window.size[axis]
        if length > requested:
            point = at * length
            offsets[axis] = float(generator.uniform(max(0.0, point - requested), min(length - requested, point)))
    return replace(window, top=offsets[0], left=offsets[1])


def progressive_factor(factors: Sequence[float], epoch: int, epochs: int) -> float:
    """Return by how much images and samples are shrunk in an epoch, for stages of equal length.

    Args:
        factors: Of each stage, for example (0.5, 1).
        epoch: Counted from 0; those beyond the last count as the last.
        epochs: Of the run.

    Source: progressive resizing, as the fast.ai team trained with for DAWNBench, 2018.
    """
    return factors[min(epoch * len(factors) // max(1, epochs), len(factors) - 1)]


def shrunk(size: ImageSize, factor: float, multiple: int = 32) -> ImageSize:
    """Return a (height, width) times a factor, rounded to a multiple of 32 that networks like; 1 changes nothing."""
    if factor == 1:
        return size
    height, width = (max(multiple, round(length * factor / multiple) * multiple) for length in size)
    return height, width
