"""ADE20K with the 150 classes of SceneParse150, from the challenge's files or from the full release of 2021.

The challenge's images were shrunk to at most 512 pixels on the shorter side; the full release has them whole, and
thousands of classes, of which 153 make up the 150.

Source: Zhou et al., "Scene parsing through ADE20K dataset", CVPR 2017.
"""

from importlib.resources import files as package_files
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import LabelArray
from sceneseg.datasets import register
from sceneseg.datasets._pairs import require
from sceneseg.datasets.base import SceneDataset, SceneFiles, read_image
from sceneseg.datasets.files import files_below, files_in
from sceneseg.labels import LabelClass, LabelSpace, choose_space


class AdeClass(NamedTuple):
    """A row of ade20k.tsv, whose row i is the label id i of the challenge."""

    name: str
    color: tuple[int, int, int]
    full_release: tuple[int, ...]


def _table() -> list[AdeClass]:
    lines = package_files("sceneseg.datasets").joinpath("ade20k.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = []
    for line in lines:
        name, color, numbers = line.split("\t")
        red, green, blue = map(int, color.split(","))
        rows.append(AdeClass(name, (red, green, blue), tuple(map(int, numbers.split(",")))))
    return rows


CLASSES = _table()
LABEL_SPACE = LabelSpace(
    "ade20k", tuple(LabelClass(row.name, row.color, (i,)) for i, row in enumerate(CLASSES, start=1)), void_ids=(0,)
)
FOLDERS = {"train": "training", "val": "validation", "test": "testing"}
FROM_FULL = np.zeros(65536, np.uint8)
"""The challenge's label id for each class number of the full release; 0 (void) for most."""
for _i, _row in enumerate(CLASSES, start=1):
    FROM_FULL[list(_row.full_release)] = _i


@register
class ADE20K(SceneDataset):
    """ADE20K, 20210 train, 2000 val and 3489 unlabeled test images; which release it is, is seen from the folders.

    Args:
        root: The folder of the challenge (ADEChallengeData2016: ``images`` next to ``annotations``), or of the full
            release (ADE20K_2021_17_01: ``images/ADE``).
        split: train, val, or test (``images/testing`` or ``release_test/testing``, the challenge's only).
        label_space: Another label space than the 150 classes, see `sceneseg.labels.choose_space`.
    """

    label_space = LABEL_SPACE
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")

    def __init__(self, root: str | Path | None = None, split: str = "train", label_space: str | None = None) -> None:
        self.label_space = choose_space(LABEL_SPACE, label_space)
        super().__init__(root, split)

    def find(self) -> list[SceneFiles]:
        """List the images of the split and check that each has its labels."""
        part = FOLDERS[self.split]
        full, images = self.root / "images" / "ADE" / part, self.root / "images" / part
        if full.is_dir():
            found = [p for p in files_below(full, {".jpg"}) if p.name.startswith("ADE_")]
            files = [SceneFiles(p.stem, p, p.with_name(f"{p.stem}_seg.png")) for p in found]
        elif self.split == "test":
            places = (images, self.root / "release_test" / part, self.root.parent / "release_test" / part)
            folder = next((place for place in places if place.is_dir()), None)
            if folder is None:
                raise self.missing("there is no release_test/testing", "the contents of release_test.zip")
            files = [SceneFiles(p.stem, p) for p in files_in(folder)]
        elif images.is_dir():
            labels = self.root / "annotations" / part
            files = [SceneFiles(p.stem, p, labels / f"{p.stem}.png") for p in files_in(images)]
        else:
            expected = "images and annotations of ADEChallengeData2016, or images/ADE of the full release"
            raise self.missing(f"there is neither images/{part} nor images/ADE/{part}", expected)
        return require(self, files, "Unpack the download again, or remove the image.")

    def read_labels(self, i: int) -> LabelArray | None:
        """Read the train ids of scene `i`; the full release stores class numbers in red and green."""
        path = self.files[i].labels
        if path is None or not path.name.endswith("_seg.png"):
            return super().read_labels(i)
        return self.label_space.encode(from_full_release(read_image(path)), where=path)


def from_full_release(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the challenge's label ids (H, W) for a ``_seg.png`` of the full release, (H, W, 3) RGB.

    Its class number is ``red // 10 * 256 + green``; blue distinguishes objects.
    """
    number = picture[..., 0].astype(np.uint16) // 10 * 256 + picture[..., 1]
    return FROM_FULL[number]
