"""KITTI's semantic benchmark: 200 labeled street scenes with the label ids of Cityscapes.

Source: Alhaija et al., "Augmented reality meets computer vision", IJCV 2018.
"""

from pathlib import Path
from typing import ClassVar

import numpy as np

from sceneseg.arrays import InstanceArray
from sceneseg.datasets import register
from sceneseg.datasets._pairs import held_out, require
from sceneseg.datasets.base import SceneDataset, SceneFiles, read_ids
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.datasets.files import files_in
from sceneseg.labels import choose_space


@register
class KittiSemantic(SceneDataset):
    """KITTI semantics in its official layout, ``training/{image_2,semantic,instance}``; test has no labels.

    Args:
        root: The folder that holds ``training`` and ``testing`` (data_semantics).
        split: train and val (the last fifth is held out here, there is no official val), trainval, or test.
        label_space: Another label space than the 19 classes of Cityscapes, see `sceneseg.labels.choose_space`.
    """

    label_space = LABEL_SPACE
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test", "trainval")

    def __init__(self, root: str | Path | None = None, split: str = "train", label_space: str | None = None) -> None:
        self.label_space = choose_space(LABEL_SPACE, label_space)
        super().__init__(root, split)

    def find(self) -> list[SceneFiles]:
        """List the images of the split and check that each has its labels."""
        folder = self.root / ("testing" if self.split == "test" else "training")
        if not (folder / "image_2").is_dir():
            raise self.missing(f"there is no {folder.name}/image_2", "training and testing of data_semantics.zip")
        images = held_out(files_in(folder / "image_2"), self.split)
        if self.split == "test":
            return require(self, [SceneFiles(image.stem, image) for image in images], "Unpack it again.")
        files = []
        for image in images:
            instances = folder / "instance" / f"{image.stem}.png"
            labels = folder / "semantic" / f"{image.stem}.png"
            files.append(SceneFiles(image.stem, image, labels, instances if instances.is_file() else None))
        return require(self, files, f"Unpack data_semantics.zip into {self.root}, or remove the image.")

    def read_instances(self, i: int) -> InstanceArray | None:
        """Read the instance numbers: stored is ``label id * 256 + n``, where n is 0 for what is no single object."""
        path = self.files[i].instances
        if path is None:
            return None
        stored = read_ids(path).astype(np.int32)
        return np.where(stored % 256 > 0, stored, 0)
