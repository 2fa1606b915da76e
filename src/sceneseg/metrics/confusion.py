"""Exact counts of a data set: one small confusion matrix per image, from which every score follows."""

import copy
import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import InstanceArray, LabelArray
from sceneseg.errors import DataError, RunError
from sceneseg.kernels.confusion import Counts, confusion_counts
from sceneseg.kernels.instances import InstanceCounts, instance_counts
from sceneseg.labels import LabelSpace
from sceneseg.metrics import counts_file, metrics_of
from sceneseg.metrics.base import Metric
from sceneseg.metrics.cityscapes import WeightedInstances, average_pixels, categories_of, weigh_instances
from sceneseg.plain import parse_json
from sceneseg.records.binary import read_arrays, reading
from sceneseg.records.run_directory import atomic

COUNTED = "count_"
"""Begins the names of arrays that metrics counted themselves, in the file of the counts."""


class ImageCounts:
    """Counts of one image, or the sum over many.

    Of the matrix only the cells with pixels are stored: of 150 classes an image has a few, and 20,000 whole matrices
    would take 3.6 GB.

    Args:
        confusion: (C+1, C+1) pixels; rows are the truth, columns the prediction, the last of each is void.
        instances: Weighted pixels of single objects; None where no instance numbers were given.
        objects: The single objects themselves; None where they weren't given, or weren't stored (many together).
        truth: Digest of the train ids that were the truth; empty for many together, and in files of earlier versions.
        counted: What metrics counted themselves, int64 by their keys (`sceneseg.metrics.base.Metric.count`).
    """

    __slots__ = ("_cells", "_pixels", "counted", "instances", "objects", "size", "truth")

    def __init__(
        self,
        confusion: Counts,
        instances: WeightedInstances | None = None,
        objects: InstanceCounts | None = None,
        truth: str = "",
        counted: Mapping[str, Counts] | None = None,
    ) -> None:
        flat = confusion.reshape(-1)
        cells = flat.nonzero()[0]
        pixels = flat[cells]
        if pixels.min(initial=0) < 0:
            raise ValueError("pixels can't be fewer than 0")
        self.size = len(confusion)
        self._cells = cells.astype(np.min_scalar_type(flat.size))
        self._pixels = pixels.astype(np.min_scalar_type(pixels.max(initial=0)))
        self.instances, self.objects, self.truth = instances, objects, truth
        self.counted = dict(counted or {})

    @property
    def confusion(self) -> Counts:
        """The matrix, (C+1, C+1) int64; a new one each time, so that changing it changes nothing here."""
        matrix = np.zeros((self.size, self.size), np.int64)
        self.add_to(matrix)
        return matrix

    def add_to(self, matrix: Counts) -> None:
        """Add the pixels to a contiguous matrix (C+1, C+1)."""
        matrix.reshape(-1)[self._cells] += self._pixels.astype(np.int64)


class SemanticCounts:
    """The counts of a data set, image by image.

    Images may come in any order and from several processes: sums are taken in the order of the images' names, so
    that the scores are the same to the last bit.

    Args:
        label_space: What the train ids mean.
        object_pixels: Average pixels of an object by class name, for the instance scores; without it the published
            ones for the space "cityscapes", none for others.

    Example:
        >>> import numpy as np
        >>> from sceneseg.datasets.cityscapes import LABEL_SPACE
        >>> counts = SemanticCounts(LABEL_SPACE)
        >>> counts.add("a", np.array([[0, 0, 1]], np.uint8), np.array([[0, 1, 1]], np.uint8))
        >>> counts.total().confusion[:2, :2].tolist()
        [[1, 1], [0, 1]]
    """

    def __init__(self, label_space: LabelSpace, object_pixels: Mapping[str, float] | None = None) -> None:
        self.label_space = label_space
        self.object_pixels = average_pixels(label_space, object_pixels)
        self.images: dict[str, ImageCounts] = {}
        self._metrics = [metric for metric in metrics_of("semantic") if type(metric).count is not Metric.count]

    def part(self) -> "SemanticCounts":
        """Return counts of the same kind without an image, to be merged later."""
        part = copy.copy(self)
        part.images = {}
        return part

    def __len__(self) -> int:
        return len(self.images)

    @property
    def names(self) -> list[str]:
        """The counted images, sorted."""
        return sorted(self.images)

    @property
    def labels_hash(self) -> str | None:
        """Digest of the classes and of every image's truth; None where counts of earlier versions lack the latter.

        It is the same in whatever form, order and number of processes the labels were read. What stands before the
        hyphen is that of the classes: only hashes that share it can be compared.
        """
        truths = [(name, self.images[name].truth) for name in self.names]
        if not all(truth for _, truth in truths):
            return None
        return f"{_digest(repr(self.label_space.names).encode())[:8]}-{_digest(repr(truths).encode())}"

    def add(
        self, name: str, labels: LabelArray, prediction: LabelArray, instances: InstanceArray | None = None
    ) -> None:
        """Count one image.

        Args:
            name: Unique within the data set.
            labels: (H, W) uint8 train ids at native size, 255 where void.
            prediction: (H, W) uint8 train ids.
            instances: (H, W) int32 objects' numbers, 0 where there is none; for all images or for none.

        Raises:
            DataError: An image that was counted before or doesn't fit the others, or arrays that don't fit.
        """
        confusion = confusion_counts(labels, prediction, len(self.label_space))
        weighted = objects = None
        if instances is not None:
            objects = instance_counts(instances, labels, prediction, categories_of(self.label_space))
            weighted = weigh_instances(objects, self.label_space, self.object_pixels)
        truth = _digest(str(labels.shape).encode(), np.ascontiguousarray(labels))
        found = {metric.key: metric.count(labels, prediction, len(self.label_space)) for metric in self._metrics}
        counted = {key: counts.astype(np.int64) for key, counts in found.items() if counts is not None}
        self._take({name: ImageCounts(confusion, weighted, objects, truth, counted)})

    def merge(self, other: "SemanticCounts") -> None:
        """Take over the counts of another process.

        Raises:
            DataError: An image that both have counted, or counts of another kind.
        """
        if other.label_space != self.label_space:
            raise DataError(
                f'Counts of the label space "{other.label_space.name}" can\'t be added to counts of '
                f'"{self.label_space.name}": the spaces differ. Count again with one of them.'
            )
        if not np.array_equal(other.object_pixels, self.object_pixels, equal_nan=True):
            raise DataError("The counts weigh objects by different average sizes. Count again with the same sizes.")
        self._take(other.images)

    def total(self) -> ImageCounts:
        """Sum over all images."""
        size = len(self.label_space) + 1
        confusion = np.zeros((size, size), np.int64)
        for name in self.names:
            self.images[name].add_to(confusion)
        weighted = [found for name in self.names if (found := self.images[name].instances)]
        sums = [np.sum(part, axis=0) for part in zip(*weighted, strict=True)]
        counted = {key: self._counted(key).sum(0) for key in self._counted_keys()}
        return ImageCounts(confusion, WeightedInstances(*sums) if sums else None, counted=counted)

    def _counted_keys(self) -> list[str]:
        """Return the metrics that counted every image themselves."""
        keys = [set(image.counted) for image in self.images.values()]
        return sorted(set.intersection(*keys)) if keys else []

    def _counted(self, key: str) -> Counts:
        """Return what a metric counted, (N, ...) int64 in the order of `names`."""
        return np.stack([self.images[name].counted[key] for name in self.names])

    def matrices(self) -> Iterator[Counts]:
        """Yield the matrices of all images in the order of `names`, (B, C+1, C+1) int64 at a time."""
        names, size = self.names, len(self.label_space) + 1
        at_once = counts_file.matrices_at_once(size)
        for start in range(0, len(names), at_once):
            chosen = names[start : start + at_once]
            matrices = np.zeros((len(chosen), size, size), np.int64)
            for matrix, name in zip(matrices, chosen, strict=True):
                self.images[name].add_to(matrix)
            yield matrices

    def save(self, path: str | Path) -> None:
        """Write the counts as a compressed .npz; a file that is there stays whole until the new one is.

        It holds names (N,), confusion (N, C+1, C+1), label_space (JSON), object_pixels (C,) and truth (N,), digests of
        the labels (where the counts weren't made of those in another label space); with instance numbers
        also instance_tp and instance_fn (N, C), category_instance_tp and category_instance_fn (N, K), and for every
        object its image's row object_image (M,) and objects (M, 5): number, class, pixels, hits, category hits. What a
        metric counted itself is count_KEY (N, ...).
        """
        path = Path(path)
        size = len(self.label_space) + 1
        truths = [self.images[name].truth for name in self.names]
        arrays: dict[str, npt.NDArray[Any]] = {
            "label_space": np.array(json.dumps(self.label_space.to_dict())),
            "object_pixels": self.object_pixels,
            "names": np.array(self.names, np.str_),
        }
        if weighted := [found for name in self.names if (found := self.images[name].instances)]:
            arrays |= zip(_INSTANCE_KEYS, map(np.stack, zip(*weighted, strict=True)), strict=True)
        if all(truths):
            arrays["truth"] = np.array(truths, np.str_)
        if objects := [each for name in self.names if (each := self.images[name].objects)]:
            arrays["object_image"] = np.repeat(np.arange(len(self)), [len(each.numbers) for each in objects])
            arrays["objects"] = np.concatenate([np.stack(each, 1) for each in objects])
        arrays |= {f"{COUNTED}{key}": self._counted(key) for key in self._counted_keys()}
        with atomic(path) as temporary:
            counts_file.write(temporary, arrays, self.matrices(), (len(self), size, size))

    @classmethod
    def load(cls, path: str | Path) -> "SemanticCounts":
        """Read what `save` wrote.

        Raises:
            RunError: The file is missing, damaged, or something else.
        """
        path = Path(path)
        try:
            arrays = read_arrays(path, without=counts_file.CONFUSION)
            space = LabelSpace.from_dict(parse_json(str(arrays.get("label_space"))), path)
            _check(arrays, len(space), len(space.categories))
            with reading(), path.open("rb") as file:
                images = [ImageCounts(matrix) for some in counts_file.read_matrices(file) for matrix in some]
            if len(images) != len(arrays["names"]) or {image.size for image in images} - {len(space) + 1}:
                raise ValueError(f"expected a matrix of {len(space) + 1} rows for each image")
        except FileNotFoundError:
            raise RunError(f"{path}: there is no such file. `sceneseg evaluate` writes it.") from None
        except ValueError as error:  # JSON's among them
            raise RunError(
                f"{path}: expected confusion counts as written by `sceneseg evaluate`, found something else or a "
                f"damaged file ({error}). Evaluate again."
            ) from error
        counts = cls(space)
        counts.object_pixels = arrays["object_pixels"]
        rows = zip(*(arrays[key] for key in _INSTANCE_KEYS if key in arrays), strict=True)
        weighted: list[WeightedInstances | None] = [WeightedInstances(*row) for row in rows]
        weighted = weighted or [None] * len(arrays["names"])
        truths = arrays.get("truth", [""] * len(arrays["names"]))
        columns = (arrays["names"], images, weighted, _objects(arrays), truths)
        for name, image, instances, objects, truth in zip(*columns, strict=True):
            image.instances, image.objects, image.truth = instances, objects, str(truth)
            counts.images[str(name)] = image
        for key in (key for key in arrays if key.startswith(COUNTED)):
            for name, counted in zip(arrays["names"], arrays[key], strict=True):
                counts.images[str(name)].counted[key.removeprefix(COUNTED)] = counted
        return counts

    def _take(self, images: Mapping[str, ImageCounts]) -> None:
        if twice := sorted(self.images.keys() & images.keys()):
            raise DataError(
                f'The image "{twice[0]}" was counted before ({len(twice)} such); every image counts once. Give images '
                f"of different folders different names, and drop the samples that pad the last batch."
            )
        kinds = {found.instances is None for found in images.values()}
        kinds |= {found.instances is None for found in islice(self.images.values(), 1)}  # they are all of one kind
        if len(kinds) > 1:
            raise DataError(
                f'"{min(images)}": some images come with instance numbers and some without; expected all or none. '
                f"Add the missing instance files, or score without instances."
            )
        self.images |= images


def _digest(*pieces: Any) -> str:
    digest = blake2b(digest_size=8)
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _check(arrays: Mapping[str, npt.NDArray[Any]], classes: int, categories: int) -> None:
    """Compare the arrays of a file with what `SemanticCounts.save` writes.

    Raises:
        ValueError: One is missing, or of another shape or type.
    """
    if (names := arrays.get("names", np.zeros(()))).dtype.kind != "U" or names.ndim != 1:
        raise ValueError("expected names")
    images, objects = len(names), arrays.get("object_image", names).size
    if len(set(names.tolist())) < images:
        raise ValueError("expected every image once")
    expected: dict[str, tuple[str, tuple[int, ...]]] = {"object_pixels": ("f", (classes,))}
    expected |= {"truth": ("U", (images,))} if "truth" in arrays else {}
    expected |= {key: ("i", (images, *arrays[key].shape[1:])) for key in arrays if key.startswith(COUNTED)}
    if any(key in arrays for key in _INSTANCE_KEYS):
        sizes = (classes, classes, categories, categories)
        expected |= {key: ("f", (images, size)) for key, size in zip(_INSTANCE_KEYS, sizes, strict=True)}
    if "objects" in arrays or "object_image" in arrays:
        expected |= {"object_image": ("i", (objects,)), "objects": ("i", (objects, len(InstanceCounts._fields)))}
    for key, (kind, shape) in expected.items():
        found = arrays.get(key)
        if found is None or found.dtype.kind != kind or found.shape != shape:
            shown = "none" if found is None else f"{found.dtype} {found.shape}"
            raise ValueError(f"expected {key} of the shape {shape}, found {shown}")
    places = arrays.get("object_image", np.zeros(0, np.int64))
    if ((places < 0) | (places >= images)).any() or (np.diff(places) < 0).any():
        raise ValueError("expected object_image in the order of the images")


def _objects(arrays: Mapping[str, Any]) -> list[InstanceCounts | None]:
    """Read the objects of every image; files of before they were stored have none."""
    if "objects" not in arrays:
        return [None] * len(arrays["names"])
    ends = np.searchsorted(arrays["object_image"], np.arange(1, len(arrays["names"])))
    return [InstanceCounts(*rows.T) for rows in np.split(arrays["objects"], ends)]


_INSTANCE_KEYS = ("instance_tp", "instance_fn", "category_instance_tp", "category_instance_fn")
