"""CamVid in the split that SegNet made common: 11 classes at 480 x 360, 367 / 101 / 233 images.

Every val frame belongs to a sequence that train has too, so scores worth quoting are those on test.

Source: Brostow et al., "Semantic object classes in video", PRL 2009; Badrinarayanan et al., "SegNet", PAMI 2017.
"""

from pathlib import Path
from typing import ClassVar

from sceneseg.datasets import register
from sceneseg.datasets._pairs import require
from sceneseg.datasets.base import SceneDataset, SceneFiles
from sceneseg.datasets.files import files_in
from sceneseg.labels import LabelClass, LabelSpace, choose_space

LABEL_SPACE = LabelSpace(
    "camvid",
    (
        LabelClass("Sky", (128, 128, 128), (0,)),
        LabelClass("Building", (128, 0, 0), (1,)),
        LabelClass("Pole", (192, 192, 128), (2,)),
        LabelClass("Road", (128, 64, 128), (3,)),
        LabelClass("Pavement", (60, 40, 222), (4,)),
        LabelClass("Tree", (128, 128, 0), (5,)),
        LabelClass("SignSymbol", (192, 128, 128), (6,)),
        LabelClass("Fence", (64, 64, 128), (7,)),
        LabelClass("Car", (64, 0, 128), (8,)),
        LabelClass("Pedestrian", (64, 64, 0), (9,)),
        LabelClass("Bicyclist", (0, 128, 192), (10,)),
    ),
    void_ids=(11,),
    void_label_id=11,
)


@register
class CamVid(SceneDataset):
    """The SegNet copy of CamVid: folders ``train``, ``trainannot``, ``val``, ... of equally named files.

    Args:
        root: The folder that holds ``train`` and ``trainannot``.
        split: train, val, test, or trainval (train and val together).
        label_space: Another label space than the 11 classes, see `sceneseg.labels.choose_space`.
    """

    label_space = LABEL_SPACE
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test", "trainval")

    def __init__(self, root: str | Path | None = None, split: str = "train", label_space: str | None = None) -> None:
        self.label_space = choose_space(LABEL_SPACE, label_space)
        super().__init__(root, split)

    def find(self) -> list[SceneFiles]:
        """List the split's images and check that each has its labels."""
        parts = ["train", "val"] if self.split == "trainval" else [self.split]
        files = [item for part in parts for item in self._find(part)]
        return require(self, files, "Fetch the file again, or remove the image.")

    def _find(self, part: str) -> list[SceneFiles]:
        images, annotations = self.root / part, self.root / f"{part}annot"
        if not images.is_dir() or not annotations.is_dir():
            raise self.missing(
                f"there is no {part} with {part}annot", "train, trainannot, val, valannot, test, testannot"
            )
        found = files_in(images)
        return [SceneFiles(p.stem, p, annotations / f"{p.stem}.png") for p in found]
