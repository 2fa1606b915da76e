"""Cityscapes in its official layout: leftImg8bit next to gtFine and gtCoarse, one folder per city.

Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016; the label
table is the one of cityscapesScripts (MIT).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import cv2
import numpy as np

from sceneseg.arrays import InstanceArray
from sceneseg.datasets import register
from sceneseg.datasets._pairs import require
from sceneseg.datasets.base import SceneDataset, SceneFiles, read_ids
from sceneseg.datasets.files import files_in, folders_in
from sceneseg.errors import DataError, did_you_mean
from sceneseg.labels import LabelClass, LabelSpace, choose_space


class CityscapesLabel(NamedTuple):
    """A row of the official label table; `train_id` is 255 for what is void in training and scoring."""

    name: str
    label_id: int
    train_id: int
    category: str
    has_instances: bool
    color: tuple[int, int, int]


LABELS = (
    CityscapesLabel("unlabeled", 0, 255, "void", False, (0, 0, 0)),
    CityscapesLabel("ego vehicle", 1, 255, "void", False, (0, 0, 0)),
    CityscapesLabel("rectification border", 2, 255, "void", False, (0, 0, 0)),
    CityscapesLabel("out of roi", 3, 255, "void", False, (0, 0, 0)),
    CityscapesLabel("static", 4, 255, "void", False, (0, 0, 0)),
    CityscapesLabel("dynamic", 5, 255, "void", False, (111, 74, 0)),
    CityscapesLabel("ground", 6, 255, "void", False, (81, 0, 81)),
    CityscapesLabel("road", 7, 0, "flat", False, (128, 64, 128)),
    CityscapesLabel("sidewalk", 8, 1, "flat", False, (244, 35, 232)),
    CityscapesLabel("parking", 9, 255, "flat", False, (250, 170, 160)),
    CityscapesLabel("rail track", 10, 255, "flat", False, (230, 150, 140)),
    CityscapesLabel("building", 11, 2, "construction", False, (70, 70, 70)),
    CityscapesLabel("wall", 12, 3, "construction", False, (102, 102, 156)),
    CityscapesLabel("fence", 13, 4, "construction", False, (190, 153, 153)),
    CityscapesLabel("guard rail", 14, 255, "construction", False, (180, 165, 180)),
    CityscapesLabel("bridge", 15, 255, "construction", False, (150, 100, 100)),
    CityscapesLabel("tunnel", 16, 255, "construction", False, (150, 120, 90)),
    CityscapesLabel("pole", 17, 5, "object", False, (153, 153, 153)),
    CityscapesLabel("polegroup", 18, 255, "object", False, (153, 153, 153)),
    CityscapesLabel("traffic light", 19, 6, "object", False, (250, 170, 30)),
    CityscapesLabel("traffic sign", 20, 7, "object", False, (220, 220, 0)),
    CityscapesLabel("vegetation", 21, 8, "nature", False, (107, 142, 35)),
    CityscapesLabel("terrain", 22, 9, "nature", False, (152, 251, 152)),
    CityscapesLabel("sky", 23, 10, "sky", False, (70, 130, 180)),
    CityscapesLabel("person", 24, 11, "human", True, (220, 20, 60)),
    CityscapesLabel("rider", 25, 12, "human", True, (255, 0, 0)),
    CityscapesLabel("car", 26, 13, "vehicle", True, (0, 0, 142)),
    CityscapesLabel("truck", 27, 14, "vehicle", True, (0, 0, 70)),
    CityscapesLabel("bus", 28, 15, "vehicle", True, (0, 60, 100)),
    CityscapesLabel("caravan", 29, 255, "vehicle", True, (0, 0, 90)),
    CityscapesLabel("trailer", 30, 255, "vehicle", True, (0, 0, 110)),
    CityscapesLabel("train", 31, 16, "vehicle", True, (0, 80, 100)),
    CityscapesLabel("motorcycle", 32, 17, "vehicle", True, (0, 0, 230)),
    CityscapesLabel("bicycle", 33, 18, "vehicle", True, (119, 11, 32)),
)

LABEL_SPACE = LabelSpace(
    "cityscapes",
    tuple(
        LabelClass(row.name, row.color, (row.label_id,), row.category, row.has_instances)
        for row in sorted(LABELS, key=lambda row: row.train_id)
        if row.train_id != 255
    ),
    void_ids=tuple(row.label_id for row in LABELS if row.train_id == 255),
)


SPLITS = {"train_all": ("train", "train_extra")}
"""Splits that are several folders."""
ZIPS = {"gtFine": "gtFine_trainvaltest.zip", "gtCoarse": "gtCoarse.zip"}


@register
class Cityscapes(SceneDataset):
    """Cityscapes: 19 classes from 34 label ids, 2975 train, 500 val, 1525 test and 19998 coarse extra images.

    Args:
        root: The folder that holds ``leftImg8bit`` and ``gtFine`` (or ``gtCoarse``).
        split: train, val, test (whose official labels are dummies and aren't read), and with `coarse` train_extra
            or train_all, which is train and train_extra together.
        cities: Only these cities; all when empty.
        coarse: Learn from the coarse labels. Val keeps its fine labels, so that scores stay comparable.
        label_space: Another label space than the 19 classes, see `sceneseg.labels.choose_space`.
    """

    label_space = LABEL_SPACE
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test", "train_extra", "train_all")

    def __init__(
        self,
        root: str | Path | None = None,
        split: str = "train",
        cities: Sequence[str] = (),
        coarse: bool = False,
        label_space: str | None = None,
    ) -> None:
        self.cities = list(cities)
        self.annotation = "gtCoarse" if coarse and split.startswith("train") else "gtFine"
        self.label_space = choose_space(LABEL_SPACE, label_space)
        super().__init__(root, split)

    def find(self) -> list[SceneFiles]:
        """List the images of the split and check that each has its labels."""
        if self.annotation == "gtFine" and self.split in {"train_extra", "train_all"}:
            raise DataError(
                f"cityscapes: {self.split} has coarse labels only. Set coarse, or take the split train.",
                field="data.coarse",
            )
        folders = [self.root / "leftImg8bit" / part for part in SPLITS.get(self.split, (self.split,))]
        files = [self._files(image) for folder in folders for image in self._images(folder)]
        return require(self, files, f"Unpack {ZIPS[self.annotation]} into {self.root}, or remove the image.")

    def _images(self, folder: Path) -> list[Path]:
        if not folder.is_dir():
            raise self.missing(
                f"there is no leftImg8bit/{folder.name}",
                f"leftImg8bit and {self.annotation} with one folder per city",
            )
        known = folders_in(folder)
        for city in self.cities:
            if city not in known:
                raise DataError(
                    f'{folder}: there is no city "{city}".{did_you_mean(city, known)} Found: {", ".join(known)}.'
                )
        found = (p for city in self.cities or known for p in files_in(folder / city))
        return [p for p in found if p.stem.endswith("_leftImg8bit")]

    def _files(self, image: Path) -> SceneFiles:
        name = image.stem.removesuffix("_leftImg8bit")
        if self.split == "test":
            return SceneFiles(name, image)
        split, city = image.parts[-3:-1]
        folder = self.root / self.annotation / split / city
        instances = folder / f"{name}_{self.annotation}_instanceIds.png"
        labels = folder / f"{name}_{self.annotation}_labelIds.png"
        return SceneFiles(name, image, labels, instances if instances.is_file() else None)

    def read_instances(self, i: int) -> InstanceArray | None:
        """Read the instance numbers: stored are ``label id * 1000 + n`` for objects, plain ids elsewhere."""
        path = self.files[i].instances
        if path is None:
            return None
        return cv2.threshold(read_ids(path), 999, 0, cv2.THRESH_TOZERO)[1].astype(np.int32)
