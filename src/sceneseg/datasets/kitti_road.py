"""KITTI road and lane: where the car could drive, 289 labeled images of three kinds of streets.

Source: Fritsch et al., "A new performance measure and evaluation benchmark for road detection algorithms", ITSC 2013.
"""

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import LabelArray
from sceneseg.datasets import register
from sceneseg.datasets._pairs import held_out, require
from sceneseg.datasets.base import SceneDataset, SceneFiles, read_image
from sceneseg.datasets.files import files_in
from sceneseg.errors import DataError, did_you_mean
from sceneseg.labels import LabelClass, LabelSpace, choose_space

ROAD, OTHER, VOID = 1, 0, 255
KINDS = ("um", "umm", "uu")
"""Urban streets with marked lanes, with several marked lanes, and unmarked."""


def _space(target: str) -> LabelSpace:
    """Return the label space of a target; "road" and "other" are named as in Cityscapes read with "road"."""
    classes = (LabelClass(target, (255, 0, 255), (ROAD,)), LabelClass("other", (255, 0, 0), (OTHER,)))
    return LabelSpace(f"kitti_{target}", classes, void_ids=(VOID,), void_label_id=VOID)


@register
class KittiRoad(SceneDataset):
    """KITTI road in its official layout; the official test images have no labels.

    The truth is a colored image: red marks evaluated pixels, blue the road. What isn't evaluated is
    void; reading it as background, as is often done, teaches and counts wrong pixels.

    Args:
        root: The folder that holds ``training`` and ``testing`` (data_road).
        split: train and val (the last fifth of each kind of street is held out here, there is no official val),
            trainval, or test.
        target: "road", or "lane": the own lane, which only the images of kind um have.
        kinds: Only these kinds of streets: um, umm, uu; all when empty.
        label_space: Another label space, see `sceneseg.labels.choose_space`.
    """

    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test", "trainval")

    def __init__(
        self,
        root: str | Path | None = None,
        split: str = "train",
        target: Literal["road", "lane"] = "road",
        kinds: tuple[str, ...] | list[str] = (),
        label_space: str | None = None,
    ) -> None:
        if target not in ("road", "lane"):
            raise DataError(f'kitti_road: target must be "road" or "lane", found "{target}".')
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise DataError(
                f'kitti_road: there are no streets of kind "{unknown[0]}".{did_you_mean(unknown[0], KINDS)} '
                f"Known: {', '.join(KINDS)}."
            )
        self.target = target
        self.kinds = [kind for kind in KINDS if not kinds or kind in kinds]
        self.label_space = choose_space(_space(target), label_space)
        super().__init__(root, split)

    def find(self) -> list[SceneFiles]:
        """List the images of the split and check that each has its truth."""
        part = "testing" if self.split == "test" else "training"
        folder = self.root / part / "image_2"
        if not folder.is_dir():
            raise self.missing(f"there is no {part}/image_2", "training and testing of data_road.zip")
        truth = self.root / part / "gt_image_2"
        kinds = [kind for kind in self.kinds if self.target == "road" or kind == "um"]
        found, files = files_in(folder), []
        for kind in kinds:
            for image in held_out([p for p in found if p.name.startswith(f"{kind}_")], self.split):
                labels = truth / f"{image.stem.replace('_', f'_{self.target}_', 1)}.png"
                files.append(SceneFiles(image.stem, image, None if part == "testing" else labels))
        return require(self, files, f"Unpack data_road.zip into {self.root}, or remove the image.")

    def read_labels(self, i: int) -> LabelArray | None:
        """Read the color code of scene `i` as train ids."""
        path = self.files[i].labels
        return None if path is None else self.label_space.encode(decode_colors(read_image(path), path), where=path)


def decode_colors(truth: npt.NDArray[np.uint8], where: object) -> npt.NDArray[Any]:
    """Turn the color code into label ids.

    Args:
        truth: (H, W, 3) uint8 RGB: (255, 0, 0) other, (255, 0, 255) road, red 0 not evaluated.
        where: The file, for the message.

    Raises:
        DataError: Another color.
    """
    red, green, blue = truth[..., 0], truth[..., 1], truth[..., 2]
    strange = (green > 0) | ((red > 0) & (red < 255)) | ((blue > 0) & (blue < 255))
    if strange.any():
        color = ", ".join(map(str, truth[strange][0]))
        raise DataError(
            f"{where}: found {int(strange.sum())} pixels of colors that KITTI's road code doesn't have, first "
            f"({color}); expected (255, 0, 255) road, (255, 0, 0) other, (0, 0, 0) not evaluated. Fetch the file again."
        )
    return np.where(red == 0, VOID, np.where(blue > 0, ROAD, OTHER))
