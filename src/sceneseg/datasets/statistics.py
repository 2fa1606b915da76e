"""Statistics of a data set: how often each class occurs, and with what, and the class weights that follow."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import ImageArray, LabelArray
from sceneseg.datasets.base import SceneDataset
from sceneseg.errors import ConfigError, DataError, did_you_mean
from sceneseg.labels import IGNORE_INDEX

Counts = npt.NDArray[np.int64]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class ClassCounts:
    """Pixels per class of a split.

    Args:
        pixels: (C + 1,) int64, the last is void.
        pixels_where_present: (C,) int64, labeled and void pixels of the images that contain the class.
        images: (C,) int64, images that contain the class.
    """

    pixels: Counts
    pixels_where_present: Counts
    images: Counts


@dataclass(frozen=True)
class ClassStatistics:
    """Counts of one class in a split.

    Args:
        name: The class.
        pixels: Its pixels.
        share: Their part of all labeled pixels, 0..1.
        images: Images that contain it.
        weights: Rule (see `RULES`) -> weight of the class in a loss.

    Example:
        >>> import sceneseg
        >>> road = sceneseg.statistics("cityscapes", "data/toy").classes[0]
        >>> road.name, road.images
        ('road', 9)
    """

    name: str
    pixels: int
    share: float
    images: int
    weights: dict[str, float]


@dataclass(frozen=True)
class Statistics:
    """Counts over a split.

    Args:
        dataset: The split.
        table: (N, C + 1) int64 pixels of each class in each scene, the last column is void.
        sizes: (height, width) in pixels -> number of scenes of that size.
        mean_rgb: Mean of all pixels, 0..255.
        std_rgb: Standard deviation of all pixels.

    Example:
        >>> import sceneseg
        >>> sceneseg.statistics("cityscapes", "data/toy").sizes
        Counter({(64, 128): 9})
    """

    dataset: SceneDataset
    table: Counts
    sizes: Counter[tuple[int, int]]
    mean_rgb: tuple[float, ...]
    std_rgb: tuple[float, ...]

    @property
    def counts(self) -> ClassCounts:
        """Pixels and images of each class."""
        return _totals(self.table)

    @property
    def together(self) -> Counts:
        """Images that contain both of two classes, (C, C); on the diagonal those that contain the class."""
        present = (self.table[:, :-1] > 0).astype(np.int64)
        together: Counts = present.T @ present
        return together

    def examples(self, number: int) -> list[int]:
        """Return scenes that together show all classes, the rarest largest; then scenes at even distances."""
        present = self.table[:, :-1]
        chosen: list[int] = []
        for c in np.argsort((present > 0).sum(0), kind="stable"):
            if present[:, c].any() and not present[chosen, c].any():
                chosen.append(int(present[:, c].argmax()))
        spread = np.linspace(0, len(present) - 1, min(number, len(present))).round().astype(int).tolist()
        return list(dict.fromkeys([*chosen, *spread]))[:number]

    @property
    def void_pixels(self) -> int:
        """Pixels without a class."""
        return int(self.table[:, -1].sum())

    @property
    def classes(self) -> tuple[ClassStatistics, ...]:
        """Counts of each class, in the order of the train ids."""
        counts = self.counts
        labeled = max(1, int(counts.pixels[:-1].sum()))
        weights = {rule: class_weights(counts, rule) for rule in RULES}
        return tuple(
            ClassStatistics(
                name,
                int(counts.pixels[i]),
                float(counts.pixels[i] / labeled),
                int(counts.images[i]),
                {rule: weights[rule][i] for rule in RULES},
            )
            for i, name in enumerate(self.dataset.label_space.names)
        )

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data, for JSON."""
        classes = {
            one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in self.classes
        }
        return {
            "dataset": self.dataset.name,
            "split": self.dataset.split,
            "label_space": self.dataset.label_space.name,
            "images": len(self.table),
            "sizes": {f"{height} x {width}": n for (height, width), n in sorted(self.sizes.items())},
            "mean_rgb": list(self.mean_rgb),
            "std_rgb": list(self.std_rgb),
            "classes": classes,
            "void_pixels": self.void_pixels,
            "together": self.together.tolist(),
        }


def measure(dataset: SceneDataset, progress: Progress | None = None, workers: int | None = None) -> Statistics:
    """Count everything over a whole split.

    Args:
        dataset: The split.
        progress: Is called with the number of scenes that are done.
        workers: Threads; one per core when absent.

    Raises:
        DataError: The split has no labels, or a scene can't be read.
    """

    def look(i: int) -> tuple[Counts, tuple[int, int], Counts]:
        scene = dataset.read(i)
        size = (scene.image.shape[0], scene.image.shape[1])
        return _row(dataset, scene.labels), size, _histograms(scene.image)

    rows: list[Counts] = []
    sizes: Counter[tuple[int, int]] = Counter()
    colors = np.zeros((3, 256), np.int64)
    for row, size, histograms in _map(look, dataset, progress, workers):
        rows.append(row)
        sizes[size] += 1
        colors += histograms
    histogram = colors / colors[0].sum()
    values = np.arange(256)
    mean = histogram @ values
    std = np.sqrt(histogram @ values**2 - mean**2)
    return Statistics(dataset, np.stack(rows), sizes, tuple(mean.tolist()), tuple(std.tolist()))


def count_classes(dataset: SceneDataset, progress: Progress | None = None, workers: int | None = None) -> ClassCounts:
    """Count the pixels of every class over a whole split; arguments as for `measure`."""
    rows = list(_map(lambda i: _row(dataset, dataset.read_labels(i)), dataset, progress, workers))
    return _totals(np.stack(rows))


def _map(
    look: Callable[[int], Any], dataset: SceneDataset, progress: Progress | None, workers: int | None
) -> Iterator[Any]:
    """Yield what is seen of each scene, in their order."""
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for done, result in enumerate(pool.map(look, range(len(dataset))), start=1):
            yield result
            if progress:
                progress(done)


def _row(dataset: SceneDataset, labels: LabelArray | None) -> Counts:
    if labels is None:
        raise DataError(f"{dataset.name}: the {dataset.split} split has no labels to count.")
    counts = np.bincount(labels.ravel(), minlength=256)
    return np.append(counts[: len(dataset.label_space)], counts[IGNORE_INDEX])


def _histograms(image: ImageArray) -> Counts:
    return np.stack([np.bincount(image[..., channel].ravel(), minlength=256) for channel in range(3)])


def _totals(table: Counts) -> ClassCounts:
    present = table[:, :-1] > 0
    where_present = (table.sum(1, keepdims=True) * present).sum(0)
    return ClassCounts(table.sum(0), where_present, present.sum(0))


def _median(counts: ClassCounts) -> npt.NDArray[np.float64]:
    frequency = counts.pixels[:-1] / np.maximum(counts.pixels_where_present, 1)
    return np.median(frequency[frequency > 0]) / np.maximum(frequency, 1e-12)


def _enet(counts: ClassCounts) -> npt.NDArray[np.float64]:
    return 1 / np.log(1.02 + counts.pixels[:-1] / counts.pixels[:-1].sum())


def _inverse(counts: ClassCounts) -> npt.NDArray[np.float64]:
    return counts.pixels[:-1].sum() / np.maximum(counts.pixels[:-1], 1)


RULES: dict[str, Callable[[ClassCounts], npt.NDArray[np.float64]]] = {
    "median": _median,
    "enet": _enet,
    "inverse": _inverse,
}
"""median: median frequency balancing (Eigen and Fergus, ICCV 2015); enet: 1 / ln(1.02 + p) (Paszke et al., 2016);
inverse: total over class pixels."""


def class_weights(counts: ClassCounts, rule: str) -> list[float]:
    """Return a weight per class by one of `RULES`; a class without pixels gets 0.

    Raises:
        ConfigError: There is no such rule.
    """
    if rule not in RULES:
        raise ConfigError(
            f'There is no rule "{rule}" for class weights.{did_you_mean(rule, RULES)} Known: {", ".join(RULES)}.'
        )
    weights = np.where(counts.images > 0, RULES[rule](counts), 0.0)
    return [float(w) for w in weights]
