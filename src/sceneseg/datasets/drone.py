"""The Semantic Drone Dataset of ICG (TU Graz): 400 views from 5 to 30 m above houses and gardens, 6000 x 4000 pixels.

Source: Institute of Computer Graphics and Vision, TU Graz, "Semantic Drone Dataset", 2019.
"""

from pathlib import Path
from typing import ClassVar

from sceneseg.datasets import register
from sceneseg.datasets._pairs import held_out, require
from sceneseg.datasets.base import SceneDataset, SceneFiles
from sceneseg.datasets.files import files_in
from sceneseg.labels import LabelClass, LabelSpace, choose_space

LABEL_SPACE = LabelSpace(
    "drone",
    (
        LabelClass("paved-area", (128, 64, 128), (1,)),
        LabelClass("dirt", (130, 76, 0), (2,)),
        LabelClass("grass", (0, 102, 0), (3,)),
        LabelClass("gravel", (112, 103, 87), (4,)),
        LabelClass("water", (28, 42, 168), (5,)),
        LabelClass("rocks", (48, 41, 30), (6,)),
        LabelClass("pool", (0, 50, 89), (7,)),
        LabelClass("vegetation", (107, 142, 35), (8,)),
        LabelClass("roof", (70, 70, 70), (9,)),
        LabelClass("wall", (102, 102, 156), (10,)),
        LabelClass("window", (254, 228, 12), (11,)),
        LabelClass("door", (254, 148, 12), (12,)),
        LabelClass("fence", (190, 153, 153), (13,)),
        LabelClass("fence-pole", (153, 153, 153), (14,)),
        LabelClass("person", (255, 22, 96), (15,)),
        LabelClass("dog", (102, 51, 0), (16,)),
        LabelClass("car", (9, 143, 150), (17,)),
        LabelClass("bicycle", (119, 11, 32), (18,)),
        LabelClass("tree", (51, 51, 0), (19,)),
        LabelClass("bald-tree", (190, 250, 190), (20,)),
        LabelClass("ar-marker", (112, 150, 146), (21,)),
        LabelClass("obstacle", (2, 135, 115), (22,)),
    ),
    void_ids=(0, 23),
)
"""The 24 rows of class_dict_seg.csv; "unlabeled" (0) and "conflicting" (23) are void."""

INSIDE = ("", "semantic_drone_dataset", "dataset/semantic_drone_dataset")
"""Where the folders lie below what people unpack."""


@register
class Drone(SceneDataset):
    """The 400 public images, as original_images next to label_images_semantic.

    Args:
        root: The folder that holds them, or that of the whole download.
        split: train and val (the last fifth by number is held out here, there is no official val), or trainval.
        label_space: Another label space than the 22 classes, see `sceneseg.labels.choose_space`.
    """

    label_space = LABEL_SPACE
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "trainval")

    def __init__(self, root: str | Path | None = None, split: str = "train", label_space: str | None = None) -> None:
        self.label_space = choose_space(LABEL_SPACE, label_space)
        super().__init__(root, split)

    def find(self) -> list[SceneFiles]:
        """List the images of the split and check that each has its labels."""
        folder = next((f for i in INSIDE if (f := self.root / i / "original_images").is_dir()), None)
        if folder is None:
            raise self.missing("there is no original_images", "original_images and label_images_semantic")
        labels = folder.with_name("label_images_semantic")
        files = [SceneFiles(p.stem, p, labels / f"{p.stem}.png") for p in held_out(files_in(folder), self.split)]
        return require(self, files, "Unpack label_images_semantic next to original_images, or remove the image.")
