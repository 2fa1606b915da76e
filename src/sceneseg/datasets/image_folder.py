"""Images with one class each in the layout of ImageNet: ROOT/train/CLASS/*.jpg and ROOT/val/CLASS/*.jpg.

Source: Russakovsky et al., "ImageNet large scale visual recognition challenge", IJCV 2015.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sceneseg.arrays import ImageArray
from sceneseg.datasets import register
from sceneseg.datasets.base import find_root, read_image, unlike
from sceneseg.datasets.files import IMAGES, files_below, folders_in
from sceneseg.errors import DataError, did_you_mean

LAYOUT = "train/CLASS/*.jpg and val/CLASS/*.jpg"


@dataclass(frozen=True)
class ImageRecord:
    """An image and its class.

    Args:
        image: (H, W, 3) uint8 RGB.
        label: Number of its class.
        name: Path below the split's folder.
    """

    image: ImageArray
    label: int
    name: str


@dataclass(frozen=True)
class ImageFile:
    """Location of one image on disk."""

    name: str
    image: Path
    label: int


@register
class ImageFolder:
    """A split of an image folder: one folder for each class, with images at any depth.

    Args:
        root: The folder that holds the splits' folders. Without it the environment variable
            ``IMAGE_FOLDER_DATASET`` is used.
        split: Name of the split's folder.
        classes: Names of the classes in their order; those of the split's folders, sorted, when absent.

    Raises:
        DataError: No root, another layout, a class without images, or a folder that isn't one of `classes`.
    """

    def __init__(
        self, root: str | Path | None = None, split: str = "train", classes: Sequence[str] | None = None
    ) -> None:
        self.name = __name__.rpartition(".")[2]
        self.split = split
        self.root = find_root(self.name, root)
        found = self._class_folders()
        self.classes = found if classes is None else list(classes)
        self._check(found)
        self.skipped: Counter[str] = Counter()
        """Files that aren't images, by their ending."""
        self.files = self._find(found)
        empty = set(found) - {self.classes[file.label] for file in self.files}
        if empty:
            raise DataError(
                f"{self._folder / min(empty)}: expected images ({_join(IMAGES)}), found none. Remove the folder, "
                f"or convert its files."
            )

    def __len__(self) -> int:
        return len(self.files)

    def read(self, i: int) -> ImageRecord:
        """Read image `i`, turned upright as its EXIF data say.

        Raises:
            DataError: The file can't be decoded.
        """
        file = self.files[i]
        return ImageRecord(read_image(file.image), file.label, file.name)

    @property
    def note(self) -> str:
        """Note on the skipped files in one line; empty when there were none."""
        if not self.skipped:
            return ""
        endings = ", ".join(f"{count} {ending}" for ending, count in sorted(self.skipped.items()))
        return f"{self._folder}: skipped what isn't an image in a class folder ({endings})"

    @property
    def _folder(self) -> Path:
        return self.root / self.split

    def _class_folders(self) -> list[str]:
        if not self._folder.is_dir():
            raise unlike(self.root, f"there is no folder {self.split}", LAYOUT)
        found = folders_in(self._folder)
        if not found:
            raise unlike(self._folder, f"the {self.split} split has no class folders", "a folder for each class")
        return found

    def _check(self, found: list[str]) -> None:
        if len(set(self.classes)) < 2:
            raise DataError(
                f"{self._folder}: expected two classes or more, found {_join(self.classes)}. "
                f"Images of each class lie in a folder of their own: {LAYOUT}."
            )
        if strange := [name for name in found if name not in self.classes]:
            raise DataError(
                f"{self._folder}: {len(strange)} of its {len(found)} folders are none of the {len(self.classes)} "
                f'classes that are learned, first "{strange[0]}".{did_you_mean(strange[0], self.classes)} '
                f"Rename or remove them; a class is known by its folder in train."
            )

    def _find(self, found: list[str]) -> list[ImageFile]:
        numbers = {name: i for i, name in enumerate(self.classes)}
        files = []
        for path in files_below(self._folder):
            name = path.relative_to(self._folder)
            image = path.suffix.lower() in IMAGES and not any(part.startswith(".") for part in name.parts)
            if image and name.parts[0] in found:
                if not path.exists():
                    raise DataError(f"{path}: the link leads to {path.resolve()}, which doesn't exist. Remove it.")
                files.append(ImageFile(name.as_posix(), path, numbers[name.parts[0]]))
            else:
                self.skipped[path.suffix or path.name] += 1
        return files


def _join(names: Sequence[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
