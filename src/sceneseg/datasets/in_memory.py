"""Scenes that a Python program holds or makes: any sequence of images with their labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import InstanceArray, LabelArray
from sceneseg.datasets._description import palette
from sceneseg.datasets.base import Scene, SceneDataset, SceneFiles
from sceneseg.errors import DataError
from sceneseg.labels import IGNORE_INDEX, LabelClass, LabelSpace, refuse_names

Pair = tuple[Any, Any]


class Scenes(SceneDataset):
    """A split of scenes that come from anything with a length and numbered items, for `sceneseg.train` in Python.

    An item is a pair of an image (H, W, 3) uint8 RGB and labels (H, W) of whole numbers, as arrays, tensors or
    Pillow images: train ids from 0, and 255 where there is no class; or it is a `Scene`. A list of arrays and a class
    that reads files are both welcome; what was read stays in memory where there is room (data={"cache": False}: never).

    Args:
        pairs: The scenes.
        classes: Names in the order of the train ids, or a label space.
        name: Of the data set, for reports.
        split: Of this part, for reports.

    Raises:
        DataError: There are no scenes, or the first isn't such a pair.
    """

    def __init__(
        self,
        pairs: Sequence[Pair | Scene],
        classes: Sequence[str] | LabelSpace,
        name: str = "scenes",
        split: str = "train",
    ) -> None:
        self.name, self.split = name, split
        self.root = Path.cwd()
        if not (hasattr(pairs, "__len__") and hasattr(pairs, "__getitem__")) or isinstance(pairs, Mapping):
            raise DataError(
                f"{name}: expected scenes with a length and numbered items, found {type(pairs).__name__}. Scenes are "
                f"read in any order and more than once: give a list, or a class with __len__ and __getitem__."
            )
        self.pairs = pairs
        self.label_space = classes if isinstance(classes, LabelSpace) else _label_space(name, classes)
        refuse_names(self.label_space.names, f"{name}, classes")
        self.files = self.find()
        if not self.files:
            raise DataError(f"{name}: the {split} split has no scenes.")
        self.files = self.with_own_names(self.files)
        self.read(0)

    def find(self) -> list[SceneFiles]:
        """Number the scenes; they lie in no files."""
        return [SceneFiles(f"{self.name}_{i:05d}", Path()) for i in range(len(self.pairs))]

    @property
    def has_labels(self) -> bool:
        """Whether the scenes are labeled, which they are."""
        return True

    def read(self, i: int, *, with_instances: bool = False) -> Scene:
        """Take scene `i`.

        Raises:
            DataError: It isn't an image with labels of its size, or has a label that is no class.
        """
        name = self.files[i].name
        found = self.pairs[i]
        if isinstance(found, Scene):
            if found.labels is not None:
                self._check_train_ids(found.labels, name)
            return replace(found, name=name)
        image, labels = self._checked(found, name)
        return Scene(np.ascontiguousarray(image), self.label_space.encode(labels, where=name), None, name)

    def given_labels(self, i: int) -> npt.NDArray[Any] | None:
        """Return the labels of scene `i` as they were given.

        Raises:
            DataError: They aren't whole numbers of the image's size.
        """
        found = self.pairs[i]
        return found.labels if isinstance(found, Scene) else self._checked(found, self.files[i].name)[1]

    def _check_train_ids(self, labels: LabelArray, name: str) -> None:
        wrong = labels[(labels >= len(self.label_space)) & (labels != IGNORE_INDEX)]
        if wrong.size:
            raise DataError(
                f"{name}: found the train id {wrong[0]} ({(wrong == wrong[0]).sum()} pixels); there are "
                f"{len(self.label_space)} classes, 0 to {len(self.label_space) - 1}, and {IGNORE_INDEX} for void."
            )

    def _checked(self, found: Any, name: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise DataError(f"{name}: expected a pair of image and labels or a Scene, found a {type(found).__name__}.")
        image, labels = (np.asarray(part) for part in found)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise DataError(f"{name}: expected an image (height, width, 3) uint8, found {_words(image)}.")
        if labels.shape != image.shape[:2] or labels.dtype.kind not in "uib":
            raise DataError(
                f"{name}: expected labels {image.shape[:2]} of whole numbers, as large as the image, "
                f"found {_words(labels)}."
            )
        return image, labels

    def read_labels(self, i: int) -> LabelArray | None:
        """Take only the train ids of scene `i`, (H, W) uint8."""
        return self.read(i).labels

    def read_instances(self, i: int) -> InstanceArray | None:
        """Return None: there are no instances."""
        return None


def _label_space(name: str, classes: Sequence[str]) -> LabelSpace:
    if isinstance(classes, str):
        raise DataError(f"{name}: expected a list of class names, found the text {classes!r}.")
    if not isinstance(classes, Sequence):
        raise DataError(f"{name}: expected a list of class names or a LabelSpace, found {type(classes).__name__}.")
    if not 0 < len(classes) < IGNORE_INDEX:
        raise DataError(f"{name}: expected 1 to {IGNORE_INDEX - 1} classes, found {len(classes)}.")
    colors = palette(len(classes))
    made = [LabelClass(word, color, (i,)) for i, (word, color) in enumerate(zip(classes, colors, strict=True))]
    return LabelSpace(name, tuple(made), (IGNORE_INDEX,), IGNORE_INDEX)


def _words(array: npt.NDArray[Any]) -> str:
    return f"{array.shape} {array.dtype}"
