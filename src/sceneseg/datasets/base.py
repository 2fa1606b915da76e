"""A scene is one image with its labels; a scene data set finds them on disk and reads them one at a time."""

import io
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from sceneseg import standalone
from sceneseg.arrays import ImageArray, InstanceArray, LabelArray
from sceneseg.datasets._headers import read_header
from sceneseg.datasets.masks import read_mask
from sceneseg.errors import DataError, did_you_mean
from sceneseg.labels import LabelSpace
from sceneseg.registry import name_of
from sceneseg.standalone import unique
from sceneseg.user_files import short_name

OPENCV_PIXELS, OPENCV_SIDE = 2**30, 2**20
"""The largest image that OpenCV takes; Pillow takes larger ones, where the limit allows them."""

PLAIN = {b"\x08\x00", b"\x10\x00"}
"""Bits and kind of gray PNG files of 8 and 16 bits."""


@dataclass(frozen=True)
class Scene:
    """Image with its annotation.

    Args:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8 train ids, 255 where void; None for a split without labels.
        instances: (H, W) int32, 0 where there is no single object, otherwise a number that is unique in
            this image; None unless asked for, or where the data set has none.
        name: Unique within the data set.
    """

    image: ImageArray
    labels: LabelArray | None
    instances: InstanceArray | None
    name: str


@dataclass(frozen=True)
class SceneFiles:
    """Files of one scene on disk."""

    name: str
    image: Path
    labels: Path | None = None
    instances: Path | None = None


class FileListError(DataError):
    """The files of a split are known, but it can't be used as it is.

    Args:
        message: What is wrong with them, and what to do about it.
        dataset: The data set that was about to be opened, with all its files.
    """

    def __init__(self, message: str, dataset: "SceneDataset") -> None:
        super().__init__(message)
        self.dataset = dataset


class NoSplitError(DataError):
    """A data set has no such split, or its folder isn't one of that data set."""


class SceneDataset(ABC):
    """A split of a data set: a list of files, read one scene at a time.

    A subclass defines its label space, its splits, and where the files are (`find`).

    Args:
        root: The data set's folder. Without it the environment variable ``<NAME>_DATASET`` is used.
        split: One of `splits`.

    Raises:
        DataError: No root, a wrong root, an unknown split, a split without images, or two of the same name.
    """

    label_space: LabelSpace
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")

    def __init__(self, root: str | Path | None = None, split: str = "train") -> None:
        self.name = short_name(name_of(type(self)))
        self.split = split
        if split not in self.splits:
            hint = did_you_mean(split, self.splits)
            raise NoSplitError(f'{self.name} has no split "{split}".{hint} It has: {", ".join(self.splits)}.')
        self.root = find_root(self.name, root)
        self.files = self.find()
        if not self.files:
            raise DataError(f"{self.root}: the {split} split has no images.")
        self.files = self.with_own_names(self.files)

    @abstractmethod
    def find(self) -> list[SceneFiles]:
        """List the files of `self.split` under `self.root`, sorted, and raise DataError where one is missing."""

    def with_own_names(self, files: list[SceneFiles]) -> list[SceneFiles]:
        """Return files of which no two have the same name; one that a list for training repeats gets a number.

        Raises:
            FileListError: Two images have one name, so that their results and scores would be mixed up.
        """
        places: dict[str, list[Path]] = {}
        for item in files:
            places.setdefault(item.name, []).append(Path(os.path.normpath(item.image)))
        again = {name: images for name, images in places.items() if len(images) > 1}
        if not again:
            return files
        name, images = next(iter(again.items()))
        if other := next((images for images in again.values() if len(set(images)) > 1), None):
            raise FileListError(
                f"{other[0]} and {next(image for image in other if image != other[0])} have one name in the "
                f"{self.split} split{_more(again)}. Rename one of them, so that their results can be distinguished.",
                self,
            )
        if not self.split.startswith("train"):
            raise FileListError(
                f'{images[0]}: the image "{name}" is {len(images)} times in the {self.split} split{_more(again)}, and '
                f"would count as often in a score. Leave it in once.",
                self,
            )
        names = unique([item.name for item in files])
        return [replace(item, name=name) for item, name in zip(files, names, strict=True)]

    def __len__(self) -> int:
        return len(self.files)

    @property
    def has_labels(self) -> bool:
        """Whether the scenes of this split are labeled."""
        return self.files[0].labels is not None

    def read_in(self, space: LabelSpace) -> None:
        """Read the labels in another label space of the stored ids from now on."""
        self.label_space = space

    def read(self, i: int, *, with_instances: bool = False) -> Scene:
        """Read scene `i`.

        Raises:
            DataError: A file that can't be decoded, sizes that differ, or a label id that isn't known.
        """
        files = self.files[i]
        image = read_image(files.image)
        labels = self.read_labels(i)
        if labels is not None and labels.shape != image.shape[:2]:
            raise DataError(
                f"{files.labels}: labels are {_size(labels)} but their image {files.image.name} is "
                f"{_size(image)} (height x width). An image and its labels must have one size."
            )
        instances = self.read_instances(i) if with_instances else None
        return Scene(image, labels, instances, files.name)

    def read_labels(self, i: int) -> LabelArray | None:
        """Read only the train ids of scene `i`, (H, W) uint8."""
        path = self.files[i].labels
        return None if path is None else self.label_space.encode(read_ids(path), where=path)

    def read_prediction(self, path: Path) -> LabelArray:
        """Read the train ids of a predicted mask, (H, W) uint8."""
        return self.label_space.encode(read_ids(path), where=path)

    def read_instances(self, i: int) -> InstanceArray | None:
        """Read only the instance numbers of scene `i`, (H, W) int32, or None where the data set has none."""
        return None

    def missing(self, what: str, expected: str) -> DataError:
        """Return the error for a root that doesn't look like this data set."""
        return unlike(self.root, what, expected)


def find_root(name: str, root: str | Path | None) -> Path:
    """Return the folder of the data set called `name`: `root`, or its environment variable.

    Raises:
        DataError: Neither is given, or there is no such folder.
    """
    variable = f"{name.upper()}_DATASET"
    found = root or os.environ.get(variable)
    if not found:
        raise DataError(
            f"No folder given for {name}. Give its root, or set the environment variable {variable}.", field="data.root"
        )
    path = Path(found).expanduser()
    if not path.is_dir():
        source = "root" if root else variable
        raise DataError(f"{path}: there is no such folder (given by {source}).", field="data.root" if root else None)
    return path


def unlike(root: Path, what: str, expected: str) -> NoSplitError:
    """Return the error for a root that doesn't look like its data set."""
    inside = sorted(p.name for p in root.iterdir())[:6]
    return NoSplitError(
        f"{root}: {what}. Expected {expected}; found {', '.join(inside) or 'an empty folder'}. "
        f"Give the folder that holds them as root.",
        field="data.root",
    )


@contextmanager
def open_picture(file: BinaryIO, name: Path) -> Iterator[PillowImage.Image]:
    """Open the header of an image with Pillow, of any size up to the limit ``SCENESEG_MAX_PIXELS``.

    What Pillow raises for damaged files passes.

    Args:
        file: The opened file.
        name: For messages.

    Raises:
        DataError: The header claims more pixels than the limit, or than the file can hold.
    """
    try:
        with standalone.open_picture(file, name) as image:
            yield image
    except standalone.RunnerError as error:
        raise DataError(str(error)) from None


def read_image(path: Path) -> ImageArray:
    """Read an image as (H, W, 3) uint8 RGB, by the table of kinds in `sceneseg.standalone`.

    Gray becomes RGB, alpha is left aside, 16 bits become 8, and EXIF data turns the image.

    Raises:
        DataError: The file is missing, can't be decoded, is too large, or of a kind that isn't read.
    """
    data = _content(path)
    with _decoding(path, data):
        if header := read_header(data):
            standalone.check_pixels(header.width, header.height, len(data), header.format, path)
            if header.width * header.height <= OPENCV_PIXELS and max(header.width, header.height) <= OPENCV_SIDE:
                return standalone.check_range(_by_opencv(data), header.bits, path)
        with standalone.open_picture(io.BytesIO(data), path) as image:
            return _by_opencv(data) if image.format == "WEBP" else standalone.upright_rgb(image, path)


def image_size(path: Path) -> tuple[int, int]:
    """Return the (height, width) of an image as it is stored, by its header.

    Raises:
        DataError: The file is missing, can't be opened, or is too large.
    """
    try:
        with path.open("rb") as file, open_picture(file, path) as image:
            return image.height, image.width
    except standalone.DAMAGE as error:
        raise DataError(f"{path}: can't be opened as an image ({error}).") from None


def read_ids(path: Path) -> npt.NDArray[np.integer]:
    """Read a label or instance image as stored, (H, W) integers; of a palette, the indices.

    Raises:
        DataError: The file is missing, can't be decoded, or holds colors.
    """
    data = _content(path)
    with _decoding(path, data):
        if header := read_header(data):
            standalone.check_pixels(header.width, header.height, len(data), header.format, path)
        start = data[:4096]
        if start[:4] == b"\x89PNG" and start[24:26] in PLAIN and b"eXIf" not in start and b"tRNS" not in start:
            return _decode(data, cv2.IMREAD_UNCHANGED)  # reads these as they are, and faster
    ids = read_mask(path).values
    if ids.ndim != 2:
        raise DataError(
            f"{path}: expected one id per pixel, found {ids.shape[2]} channels (a color image). "
            f"Give the label-id file, not the colored one."
        )
    return ids


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror}).") from None


@contextmanager
def _decoding(path: Path, data: bytes) -> Iterator[None]:
    """Turn what decoders raise into the error for the file."""
    try:
        yield
    except standalone.RunnerError as error:
        raise DataError(str(error)) from None
    except MemoryError:
        raise DataError(f"{path}: there isn't enough memory to read it.") from None
    except (*standalone.DAMAGE, cv2.error):
        raise DataError(
            f"{path}: can't be decoded as an image ({len(data)} bytes); it is damaged or another format."
        ) from None


def _by_opencv(data: bytes) -> ImageArray:
    bgr = _decode(data, cv2.IMREAD_COLOR)
    rgb: ImageArray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=bgr)  # type: ignore[assignment]
    return rgb


def _decode(data: bytes, flags: int) -> npt.NDArray[Any]:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if decoded is None:
        raise ValueError("OpenCV can't decode it")
    return decoded


def _more(items: Collection[object]) -> str:
    return f" ({len(items)} such)" if len(items) > 1 else ""


def _size(array: npt.NDArray[np.uint8]) -> str:
    return f"{array.shape[0]} x {array.shape[1]}"
