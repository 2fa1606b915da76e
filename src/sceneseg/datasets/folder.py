"""Your own images and masks, described by a small YAML file; what it can say: `sceneseg.datasets._description`."""

import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from sceneseg.arrays import LabelArray
from sceneseg.datasets import register
from sceneseg.datasets._description import find_description, read_description
from sceneseg.datasets._lists import by_stem, find, read_lines, read_list
from sceneseg.datasets._pairs import require
from sceneseg.datasets.base import SceneDataset, SceneFiles
from sceneseg.datasets.files import IMAGES, files_below
from sceneseg.datasets.masks import MaskReading, Meaning, StoredMask, read_mask
from sceneseg.errors import DataError
from sceneseg.labels import choose_space
from sceneseg.wording import counted

MASKS = (".png", ".tif", ".tiff", ".bmp", ".gif", ".pgm", ".ppm", ".pnm", ".pbm", ".webp", ".jpg", ".jpeg")
"""Endings of masks, the better ones first; JPEG can't hold ids, which reading then finds."""
VOC = Path("ImageSets") / "Segmentation"


@register
class Folder(SceneDataset):
    """Images with masks: ids in one channel (8 or 16 bit, with or without a palette), or colors with a table.

    The files of a split are found by the first of these: what the YAML lists; ``images/SPLIT`` next to
    ``masks/SPLIT`` with equal stems, at any depth; a list ``SPLIT.txt`` of "image mask" lines; the layout of
    PASCAL VOC (``JPEGImages``, ``SegmentationClass`` and ``ImageSets/Segmentation/SPLIT.txt``).

    Args:
        root: The folder with the YAML file, or the file itself.
        split: train, val or test; test may be without masks.
        label_space: Another label space than that of the file, see `sceneseg.labels.choose_space`.
    """

    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")

    def __init__(self, root: str | Path | None = None, split: str = "train", label_space: str | None = None) -> None:
        given = Path(root or os.environ.get("FOLDER_DATASET") or "").expanduser()
        self.file = given if given.is_file() else None
        self._wanted_space = label_space
        self._listings: dict[Path, dict[str, Path]] = {}
        super().__init__(given.parent if self.file else root, split)
        self.root = self.file or self.root

    def find(self) -> list[SceneFiles]:
        """Read the YAML file, list the split's images and check that each has its mask."""
        self.description = read_description(self.file or find_description(self.root))
        self.label_space = choose_space(self.description.label_space, self._wanted_space)
        pairs = self._pairs()
        names = _names([image for image, _ in pairs], self.description.base)
        files = [SceneFiles(name, image, mask) for name, (image, mask) in zip(names, pairs, strict=True)]
        return require(self, files, "Add the file, or remove the image (and its line in a list).")

    def _pairs(self) -> list[tuple[Path, Path | None]]:
        base, split = self.description.base, self.split
        entries = [base / entry for entry in self.description.splits.get(split, [])]
        if not entries and (base / "images" / split).is_dir():
            entries = [base / "images" / split]
        if not entries and (base / f"{split}.txt").is_file():
            entries = [base / f"{split}.txt"]
        if entries:
            return [pair for entry in entries for pair in self._entry(entry)]
        voc = base / VOC / f"{split}.txt"
        if not voc.is_file():
            raise self.missing(
                f"there is no {split} split",
                f"images/{split} next to masks/{split}, a list {split}.txt, or {VOC / split}.txt",
            )
        stems = [Path(line).stem if Path(line).suffix.lower() in IMAGES else line for _, line in read_lines(voc)]
        images, masks = base / "JPEGImages", base / "SegmentationClass"
        return [(self._by_stem(images, stem, ".jpg"), self._by_stem(masks, stem, ".png")) for stem in stems]

    def _entry(self, entry: Path) -> list[tuple[Path, Path | None]]:
        """Return the images of a folder or list with their masks."""
        if not entry.exists():
            entry = Path(str(entry).replace("\\", "/"))
        if entry.is_file():
            return [self._line(entry, *line) for line in read_list(entry, self.description.base)]
        if not entry.is_dir():
            raise DataError(f"{entry}: there is no such folder or list, which the YAML file names for {self.split}.")
        pairs = [(image, self._mask_of(image)) for image in files_below(entry, IMAGES)]
        self._refuse_unread(entry, {image.with_suffix("") for image, _ in pairs})
        owners: dict[Path, Path] = {}
        for image, mask in pairs:
            if mask is not None and (other := owners.setdefault(mask, image)) != image:
                raise DataError(
                    f"{image} and {other.name} have one stem, so one mask belongs to both. Remove one of them, or give "
                    f'a list of "image mask" lines.'
                )
        return pairs

    def _refuse_unread(self, folder: Path, images: set[Path]) -> None:
        """Refuse files that have a mask as images have, but an ending of which none is read; no image is left out."""
        others = [p for p in files_below(folder) if p.suffix.lower() not in IMAGES and p.with_suffix("") not in images]
        hidden = [p for p in others if any(part.startswith(".") for part in p.relative_to(folder).parts)]
        found = [p for p in others if p not in hidden and (mask := self._mask_of(p)) and mask.is_file()]
        if found:
            raise DataError(
                f"{found[0]}: it has a mask, but images that end in {found[0].suffix or 'nothing'} aren't read "
                f"({counted(len(found), 'such file')}). Save them as PNG or JPEG, or remove the masks, too."
            )

    def _line(self, file: Path, number: int, columns: list[str]) -> tuple[Path, Path | None]:
        base, split = self.description.base, self.split
        image, *mask = (find(written, base, file) or base / written for written in columns)
        if image.suffix.lower() not in IMAGES and not os.path.lexists(image):
            found = by_stem(columns[0], [base / "images" / split, base / "images"])
            if found is None:
                raise DataError(
                    f"{file}, line {number}: there is no file {columns[0]}, and no one image of that name in "
                    f'images/{split} or images. Expected "image mask" lines with whole file names.'
                )
            image = found
        return image, mask[0] if mask else self._mask_of(image)

    def _mask_of(self, image: Path) -> Path | None:
        """Return the mask that lies as its image does, below masks_dir in place of "images"."""
        base = self.description.base
        image, inside = Path(os.path.normpath(image)), Path(os.path.normpath(base))
        is_elsewhere = not image.is_relative_to(inside)
        *folders, _ = image.absolute().parts if is_elsewhere else image.relative_to(inside).parts
        if "images" not in folders:
            raise DataError(
                f'{image}: its mask can\'t be found, as no folder above it is called "images". '
                f'Give a list of "image mask" lines instead.'
            )
        at = len(folders) - 1 - folders[::-1].index("images") if is_elsewhere else folders.index("images")
        folders[at] = self.description.masks_dir
        folder = base.joinpath(*folders)
        if self.split == "test" and not folder.is_dir():
            return None
        return self._by_stem(folder, image.stem, ".png")

    def _by_stem(self, folder: Path, stem: str, ending: str) -> Path:
        """Return the file of that stem, or where it should be."""
        if folder not in self._listings:
            found = sorted(folder.iterdir()) if folder.is_dir() else []
            ranked = sorted((p for p in found if p.suffix.lower() in MASKS), key=_rank, reverse=True)
            self._listings[folder] = {p.stem: p for p in ranked}  # of equal stems the best ending is the last
        return self._listings[folder].get(stem, folder / f"{stem}{ending}")

    def read_labels(self, i: int) -> LabelArray | None:
        """Read the train ids of scene `i`, from ids or from colors."""
        path = self.files[i].labels
        return None if path is None else self.labels_of(read_mask(path), path)

    def read_prediction(self, path: Path) -> LabelArray:
        """Read the train ids of a predicted mask; gray levels are ids, as every program writes them."""
        stored = read_mask(path)
        meaning = self.reading.meaning(stored)
        return self.reading.labels(stored, "ids" if meaning == "either" else meaning, path)

    def labels_of(self, stored: StoredMask, path: Path) -> LabelArray:
        """Return the train ids of a mask."""
        meaning = self.reading.meaning(stored)
        return self.reading.labels(stored, self.gray_meaning if meaning == "either" else meaning, path)

    @cached_property
    def reading(self) -> MaskReading:
        """Meaning of the numbers and colors in the masks."""
        return MaskReading(self.description.colors, self.label_space)

    @cached_property
    def gray_meaning(self) -> Meaning:
        """Meaning of gray levels that could be ids or colors, decided by the first mask that is unambiguous."""
        for files in self.files:
            if files.labels is None:
                continue
            with suppress(DataError):  # which is told when that mask is read
                if meaning := self.reading.evidence(read_mask(files.labels)):
                    return meaning
        return "colors"


def _names(images: list[Path], base: Path) -> list[str]:
    """Return a name for each image: the shortest form in which all of them differ.

    An image that a list repeats has its name again.
    """
    images = [Path(os.path.normpath(image)) for image in images]
    below = [_below(image, Path(os.path.normpath(base))) for image in images]
    for name in (
        lambda path: path.stem,
        lambda path: "_".join(path.with_suffix("").parts),
        lambda path: "__".join(path.with_suffix("").parts),
        lambda path: "__".join(path.parts),
    ):
        names = [name(path) for path in below]
        if len(set(names)) == len(set(images)):
            break
    return names


def _below(path: Path, base: Path) -> Path:
    return path.relative_to(base) if path.is_relative_to(base) else Path(path.name)


def _rank(path: Path) -> int:
    return MASKS.index(path.suffix.lower())
