"""What there is to know of an image and its mask, before any rule is asked."""

from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from sceneseg import standalone
from sceneseg.datasets.base import SceneDataset, SceneFiles, open_picture, read_image
from sceneseg.datasets.folder import color_codes, read_mask
from sceneseg.datasets.packed import Packed
from sceneseg.errors import DataError

Size = tuple[int, int]
ORIENTATION = 0x0112
"""The EXIF tag that says how a picture must be turned."""
MOST_COLORS = 1024
"""A picture with more colours than this is no mask."""
MOST_IDS = 200
"""Nor is a grey one with more values."""


@dataclass(frozen=True)
class Picture:
    """A picture file, by its header and its last bytes.

    Args:
        path: The file.
        problem: Why it can't be read; then nothing else is known.
        size: (height, width) as stored, before any turning.
        mode: Pillow's word: L, P, RGB, RGBA, I;16, ...
        format: PNG, JPEG, ...
        depth: Bits per channel.
        orientation: The EXIF orientation, 1 when upright.
        length: Length of the file.
    """

    path: Path
    problem: str | None = None
    size: Size = (0, 0)
    mode: str = ""
    format: str = ""
    depth: int = 8
    orientation: int = 1
    length: int = 0

    @property
    def upright_size(self) -> Size:
        """(height, width) as it is read."""
        height, width = self.size
        return (width, height) if self.orientation >= 5 else (height, width)


@dataclass(frozen=True)
class Pair:
    """An image and its mask.

    Args:
        files: Where they are.
        image: The image's header.
        mask: The mask's; None for a split without labels.
        digest: Of the image's pixels, None where they weren't read.
        few_colors: Whether the image has as few colours as a mask; None where pixels weren't read.
        grey: Whether all channels are equal.
        values: Pixels of each id of a mask with one channel; None for others, and where pixels weren't read.
        colors: Pixels of each colour code of a coloured mask that can't be read as labels; at most MOST_COLORS + 1.
        labels: (256,) pixels of each train id, None where the mask can't be read as labels.
        refusal: Why it can't.
    """

    files: SceneFiles
    image: Picture
    mask: Picture | None
    digest: bytes | None = None
    few_colors: bool | None = None
    grey: bool = False
    values: dict[int, int] | None = None
    colors: dict[int, int] = field(default_factory=dict)
    labels: npt.NDArray[np.int64] | None = None
    refusal: str | None = None

    @property
    def has_jpeg_mask(self) -> bool:
        """Whether the mask is a JPEG file."""
        return self.mask is not None and self.mask.format in {"JPEG", "MPO"}

    @property
    def has_colors(self) -> bool:
        """Whether the mask holds colours that can't be read as labels."""
        return 0 < len(self.colors) <= MOST_COLORS and not self.has_jpeg_mask

    @property
    def is_swapped(self) -> bool:
        """Whether image and mask have changed places."""
        many = len(self.colors) > MOST_COLORS or (self.values is not None and len(self.values) > MOST_IDS)
        return bool(self.few_colors) and many


def examine(dataset: SceneDataset, i: int, image_pixels: bool = True, mask_pixels: bool = True) -> Pair:
    """Look at one pair of a data set.

    Args:
        dataset: Whose.
        i: Which.
        image_pixels: Whether the image is decoded, too; with 16 bits it always is, as its pixels tell if it is read.
        mask_pixels: Whether the mask is decoded, too.
    """
    if isinstance(dataset, Packed):
        return _examine_packed(dataset, i, image_pixels, mask_pixels)
    files = dataset.files[i]
    image = look_at(files.image)
    mask = None if files.labels is None else look_at(files.labels)
    facts: dict[str, Any] = {}
    if image.problem is None and (image_pixels or image.depth == 16):
        try:
            facts |= _image_facts(read_image(files.image))
        except DataError as error:
            image = Picture(files.image, _reason(error).rstrip("."))
    if mask_pixels and mask is not None and mask.problem is None:
        try:
            facts |= _mask_facts(dataset, i, mask.path)
        except DataError as error:
            mask = Picture(mask.path, _reason(error))
    return Pair(files, image, mask, **facts)


def _examine_packed(dataset: Packed, i: int, image_pixels: bool, mask_pixels: bool) -> Pair:
    """Look at one scene of a pack: its index has sizes and digests, so that only pixels asked for are read."""
    files, scene = dataset.files[i], dataset.entry(i)
    image = Picture(files.image, None, (scene.height, scene.width), "RGB", "pack")
    mask = Picture(files.labels, None, image.size, "L", "pack") if files.labels else None
    facts: dict[str, Any] = {"digest": bytes.fromhex(scene.sha256["image"])}
    try:
        if image_pixels:
            dataset.check(i)
        labels = dataset.read_labels(i) if mask_pixels else None
        if labels is not None:
            facts["labels"] = np.bincount(labels.ravel(), minlength=256)
    except DataError as error:
        image = Picture(files.image, _reason(error))
    return Pair(files, image, mask, **facts)


def look_at(path: Path) -> Picture:
    """Read the header of a picture file, and the file's end."""
    try:
        length = path.stat().st_size
        with path.open("rb") as file, open_picture(file, path) as picture:
            size, name = (picture.height, picture.width), picture.format or ""
            file.seek(0)
            start = file.read(32)
            file.seek(max(0, length - 64))
            if not _ends_well(name, start, file.read(), length):
                picture.load()  # some programs write on behind the end, which is no damage
            return Picture(path, None, size, picture.mode, name, _depth(picture, start), _orientation(picture), length)
    except FileNotFoundError:
        return Picture(path, "there is no such file")
    except DataError as error:  # too large, or of a kind that isn't read
        return Picture(path, _reason(error).rstrip("."))
    except standalone.DAMAGE as error:
        return Picture(path, str(error) if "trunc" in str(error) else "not a picture, or a damaged one")


def _ends_well(name: str, start: bytes, end: bytes, length: int) -> bool:
    ends = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
    if name == "WEBP":
        return length >= int.from_bytes(start[4:8], "little") + 8
    return ends.get(name, b"") in end


def _depth(picture: PillowImage.Image, start: bytes) -> int:
    if picture.format == "PNG":
        return start[24]
    return 16 if picture.mode.startswith(("I", "F")) else 8


def _orientation(picture: PillowImage.Image) -> int:
    if picture.format == "PNG":  # for a PNG, Pillow's getexif would decode the whole picture
        exif = PillowImage.Exif()
        exif.load(picture.info.get("exif", b""))
    else:
        exif = picture.getexif()
    return int(exif.get(ORIENTATION, 1) or 1)


def _image_facts(pixels: npt.NDArray[np.uint8]) -> dict[str, Any]:
    some = pixels[:: max(1, pixels.shape[0] // 256), :: max(1, pixels.shape[1] // 256)]
    digest = blake2b(f"{pixels.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    return {
        "digest": digest.digest(),
        "few_colors": len(np.unique(color_codes(some))) <= 64,
        "grey": bool((some == some[..., :1]).all()),
    }


def _mask_facts(dataset: SceneDataset, i: int, path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    try:
        labels = dataset.read_labels(i)
        if labels is not None:
            facts["labels"] = np.bincount(labels.ravel(), minlength=256)
    except DataError as error:
        facts["refusal"] = _reason(error)
    stored = read_mask(path)
    if stored.ndim == 2:
        values, counts = np.unique(stored, return_counts=True)
        facts["values"] = dict(zip(values.tolist(), counts.tolist(), strict=True))
    elif "labels" not in facts:
        codes, counts = np.unique(color_codes(stored), return_counts=True)
        most = np.argsort(-counts, kind="stable")[: MOST_COLORS + 1]
        facts["colors"] = dict(zip(codes[most].tolist(), counts[most].tolist(), strict=True))
    return facts


def _reason(error: DataError) -> str:
    return str(error).partition(": ")[2] or str(error)
