"""Facts about an image and its mask, measured before any rule is applied."""

import os
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import TiffImagePlugin, UnidentifiedImageError

from sceneseg import standalone
from sceneseg.arrays import ImageArray, ImageSize, LabelArray
from sceneseg.datasets.base import SceneDataset, SceneFiles, open_picture, read_image
from sceneseg.datasets.folder import Folder
from sceneseg.datasets.in_memory import Scenes
from sceneseg.datasets.masks import Meaning, StoredMask, color_codes, read_mask
from sceneseg.datasets.packed import Packed
from sceneseg.doctor.jpeg import JpegChecker
from sceneseg.errors import DataError

ORIENTATION = 0x0112
"""The EXIF tag of an image's orientation."""
WIDTH, LENGTH, BITS, PHOTOMETRIC, SAMPLES, EXTRA_SAMPLES, SAMPLE_FORMAT = 256, 257, 258, 262, 277, 338, 339
"""Tags of TIFF files."""
STRIPS, STRIP_LENGTHS, TILES, TILE_LENGTHS = 273, 279, 324, 325
OF_PALETTE, CMYK = 3, 5
"""Values of the tag PHOTOMETRIC."""
MEMORY = "memory"
"""The format of images that lie in no file."""
MOST_COLORS = 1024
"""An image with more colors than this is no mask."""
MOST_IDS = 200
"""Nor is a gray one with more values."""


@dataclass(frozen=True)
class Picture:
    """An image file, by its header and its last bytes.

    Args:
        path: The file.
        problem: Why it can't be read; then nothing else is known.
        size: (height, width) as stored, before any turning.
        mode: Pillow's word: L, P, RGB, RGBA, I;16, ...
        format: PNG, JPEG, ...
        depth: Bits per channel.
        bands: Those behind color and alpha, such as near infrared.
        orientation: The EXIF orientation, 1 when upright.
        length: Length of the file.
        is_lossy: Whether its format changes values, as JPEG does.
        is_sound: Of a file with a problem, whether it is whole, and only of a kind that isn't read.
    """

    path: Path
    problem: str | None = None
    size: ImageSize = (0, 0)
    mode: str = ""
    format: str = ""
    depth: int = 8
    bands: int = 0
    orientation: int = 1
    length: int = 0
    is_lossy: bool = False
    is_sound: bool = False

    @property
    def upright_size(self) -> ImageSize:
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
        few_colors: Whether the image has as few colors as a mask; None where pixels weren't read.
        gray_image: Whether all channels are equal.
        values: Pixels of each id of a mask that holds ids; None for others, and where pixels weren't read.
        colors: Pixels of each color code of a colored mask that can't be read as labels; at most MOST_COLORS + 1.
        palette: Color code of each id, where the file has a palette of its own that isn't asked what it means.
        gray: How gray levels are meant, "ids" or "colors", or "either"; None where there is no question.
        transparent: Pixels of the mask on which nothing is drawn.
        labels: (256,) pixels of each train id, None where the mask can't be read as labels.
        refusal: Why it can't.
    """

    files: SceneFiles
    image: Picture
    mask: Picture | None
    digest: bytes | None = None
    few_colors: bool | None = None
    gray_image: bool = False
    values: dict[int, int] | None = None
    colors: dict[int, int] = field(default_factory=dict)
    palette: dict[int, int] = field(default_factory=dict)
    gray: Meaning | None = None
    transparent: int = 0
    labels: npt.NDArray[np.int64] | None = None
    refusal: str | None = None

    @property
    def in_memory(self) -> bool:
        """Whether a program holds it."""
        return self.image.format == MEMORY

    @property
    def has_lossy_mask(self) -> bool:
        """Whether the mask is a JPEG file, or a WebP file of that kind."""
        return self.mask is not None and self.mask.is_lossy

    @property
    def has_colors(self) -> bool:
        """Whether the mask holds colors that can't be read as labels."""
        return 0 < len(self.colors) <= MOST_COLORS and not self.has_lossy_mask

    @property
    def is_swapped(self) -> bool:
        """Whether image and mask have changed places."""
        many = len(self.colors) > MOST_COLORS or (self.values is not None and len(self.values) > MOST_IDS)
        return bool(self.few_colors) and many


def examine(
    dataset: SceneDataset,
    i: int,
    image_pixels: bool = True,
    mask_pixels: bool = True,
    jpeg: JpegChecker | None = None,
) -> Pair:
    """Look at one pair of a data set.

    Args:
        dataset: The data set.
        i: Which.
        image_pixels: Whether the image is decoded, too.
        mask_pixels: Whether the mask is decoded, too; and the image, where its depth makes it doubtful if it is read.
        jpeg: Looks into JPEG images, where they are decoded.
    """
    if isinstance(dataset, Packed):
        return _examine_packed(dataset, i, image_pixels, mask_pixels)
    if isinstance(dataset, Scenes):
        return _examine_scene(dataset, i, mask_pixels)
    files = dataset.files[i]
    pair = Pair(files, look_at(files.image), None if files.labels is None else look_at(files.labels))
    if pair.image.problem is None and (image_pixels or (mask_pixels and pair.image.depth > 8)):
        try:
            if jpeg and (problem := jpeg.problem(files.image)):
                raise DataError(f"{files.image}: {problem}")
            pixels = read_image(files.image)
            pair = _with_image_pixels(pair, pixels) if image_pixels else pair
        except DataError as error:
            pair = replace(pair, image=_unread(files.image, error))
    if mask_pixels and files.labels is not None and pair.mask is not None and pair.mask.problem is None:
        try:
            pair = _with_mask_pixels(pair, dataset, i, files.labels)
        except DataError as error:
            pair = replace(pair, mask=_unread(files.labels, error))
    return pair


def _unread(path: Path, error: DataError) -> Picture:
    reason = _reason(error)
    return Picture(path, reason, is_sound=not any(word in reason for word in ("damaged", "claims")))


def _examine_scene(dataset: Scenes, i: int, mask_pixels: bool) -> Pair:
    """Look at the labels of one scene that a program holds."""
    files = dataset.files[i]
    pair = Pair(files, Picture(files.image, format=MEMORY), None)
    if not mask_pixels:
        return pair
    try:
        if (given := dataset.given_labels(i)) is not None:
            values, counts = np.unique(given, return_counts=True)
            pair = replace(pair, values=dict(zip(map(int, values), counts.tolist(), strict=True)))
        return _with_labels(pair, dataset.read_labels(i))
    except DataError as error:
        return replace(pair, refusal=_reason(error))


def _examine_packed(dataset: Packed, i: int, image_pixels: bool, mask_pixels: bool) -> Pair:
    """Look at one scene of a pack: its index has sizes and digests, so that only pixels asked for are read."""
    files, scene = dataset.files[i], dataset.entry(i)
    image = Picture(files.image, None, (scene.height, scene.width), "RGB", "pack")
    mask = Picture(files.labels, None, image.size, "L", "pack") if files.labels else None
    pair = Pair(files, image, mask, digest=bytes.fromhex(scene.sha256["image"]))
    try:
        if image_pixels:
            dataset.check(i)
        return _with_labels(pair, dataset.read_labels(i) if mask_pixels else None)
    except DataError as error:
        return replace(pair, image=Picture(files.image, _reason(error)))


def _with_labels(pair: Pair, labels: LabelArray | None) -> Pair:
    return pair if labels is None else replace(pair, labels=np.bincount(labels.ravel(), minlength=256))


def look_at(path: Path) -> Picture:
    """Read the header of an image file, and the file's end."""
    try:
        tags = _tiff_tags(path)
        if _more_bands(tags):
            return _of_bands(path, tags)
        return _by_header(path, tags)
    except FileNotFoundError:
        return Picture(path, "there is no such file")
    except UnidentifiedImageError:
        return _of_bands(path, tags) if tags else Picture(path, "not an image, or a damaged one")
    except DataError as error:  # too large, or of a kind that isn't read
        return _unread(path, error)
    except standalone.DAMAGE as error:
        return Picture(
            path,
            str(error) if "truncated" in str(error).replace(str(path), "") else "not an image, or a damaged one",
        )


def _by_header(path: Path, tags: Mapping[int, Any]) -> Picture:
    length = path.stat().st_size
    with path.open("rb") as file, open_picture(file, path) as image:
        size, name = (image.height, image.width), image.format or ""
        file.seek(0)
        start = file.read(32)
        file.seek(max(0, length - 64))
        if not _ends_well(name, start, file.read(), length):
            image.load()  # some programs write on behind the end, which is no damage
        depth, orientation = _depth(image, start, tags), _orientation(image)
        lossy = name in {"JPEG", "MPO"} or (name == "WEBP" and _is_lossy_webp(path))
        return Picture(path, None, size, image.mode, name, depth, 0, orientation, length, lossy)


def _is_lossy_webp(path: Path) -> bool:
    """Whether the first pixels of a WebP file are of its lossy kind."""
    with path.open("rb") as file:
        file.seek(12)
        while len(chunk := file.read(8)) == 8:
            if chunk[:4] in {b"VP8 ", b"VP8L"}:
                return chunk[:4] == b"VP8 "
            length = int.from_bytes(chunk[4:], "little")
            file.seek(0 if chunk[:4] == b"ANMF" else length + length % 2, os.SEEK_CUR)
            if chunk[:4] == b"ANMF":  # its frame begins behind 16 bytes
                file.seek(16, os.SEEK_CUR)
    return False


def _tiff_tags(path: Path) -> Mapping[int, Any]:
    """Return the tags of a TIFF file, which Pillow may not be able to open; empty for other formats."""
    with path.open("rb") as file:
        start = file.read(8)
        if start[:4] not in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
            return {}
        try:
            start += file.read(8) if b"+" in start[2:4] else b""
            directory = TiffImagePlugin.ImageFileDirectory_v2(start)
            file.seek(directory.next)
            directory.load(file)
            return dict(directory)
        except (OSError, SyntaxError, ValueError, struct.error):
            return {}


def _of_bands(path: Path, tags: Mapping[int, Any]) -> Picture:
    """Return what is known of a TIFF file that isn't read."""
    offsets = tags.get(STRIPS) or tags.get(TILES) or (0,)
    lengths = tags.get(STRIP_LENGTHS) or tags.get(TILE_LENGTHS) or (0,)
    if max(map(sum, zip(offsets, lengths, strict=False))) > path.stat().st_size:
        return Picture(path, "truncated: its last pixels are missing")
    kinds = {1: "whole numbers", 2: "whole numbers with a sign", 3: "floating point numbers", 5: "complex numbers"}
    bits, kind = tags.get(BITS, (1,)), tags.get(SAMPLE_FORMAT, (1,))
    bands = int(tags.get(SAMPLES, 1))
    numbers = f"{bits[0]}-bit {kinds.get(kind[0], 'numbers of an unknown kind')}"
    which = f"a TIFF file of {bands} band{'s' if bands > 1 else ''} of {numbers}"
    size = (int(tags.get(LENGTH, 0)), int(tags.get(WIDTH, 0)))
    return Picture(path, which, size, "", "TIFF", int(bits[0]), _more_bands(tags), is_sound=True)


def _more_bands(tags: Mapping[int, Any]) -> int:
    """Count the bands of a TIFF file behind color and alpha."""
    bands, photometric = int(tags.get(SAMPLES, 1)), int(tags.get(PHOTOMETRIC, 1))
    colors = 4 if photometric == CMYK else 1 if bands < 3 or photometric == OF_PALETTE else 3
    alpha = sum(kind in {1, 2} for kind in tags.get(EXTRA_SAMPLES, ()))
    return max(0, bands - colors - alpha)


def _ends_well(name: str, start: bytes, end: bytes, length: int) -> bool:
    ends = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
    if name == "WEBP":
        return length >= int.from_bytes(start[4:8], "little") + 8
    return ends.get(name, b"") in end


def _depth(picture: PillowImage.Image, start: bytes, tags: Mapping[int, Any]) -> int:
    if picture.format == "PNG":
        return start[24]
    if BITS in tags:
        return int(max(tags[BITS]))
    return 16 if picture.mode.startswith(("I", "F")) else 8


def _orientation(picture: PillowImage.Image) -> int:
    if picture.format == "PNG":  # for a PNG, Pillow's getexif would decode the whole image
        exif = PillowImage.Exif()
        exif.load(picture.info.get("exif", b""))
    else:
        exif = picture.getexif()
    return int(exif.get(ORIENTATION, 1) or 1)


def _with_image_pixels(pair: Pair, pixels: ImageArray) -> Pair:
    some = pixels[:: max(1, pixels.shape[0] // 256), :: max(1, pixels.shape[1] // 256)]
    digest = blake2b(f"{pixels.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    few_colors = len(np.unique(color_codes(some))) <= 64
    is_gray = bool((some == some[..., :1]).all())
    return replace(pair, digest=digest.digest(), few_colors=few_colors, gray_image=is_gray)


def _with_mask_pixels(pair: Pair, dataset: SceneDataset, i: int, path: Path) -> Pair:
    try:
        pair = _with_labels(pair, dataset.read_labels(i))
    except DataError as error:
        pair = replace(pair, refusal=_reason(error))
    stored = read_mask(path)
    meaning = dataset.reading.meaning(stored) if isinstance(dataset, Folder) else "ids"
    if isinstance(dataset, Folder) and stored.values.ndim == 2 and dataset.reading.colors:
        pair = replace(pair, gray="either" if meaning == "either" else dataset.reading.evidence(stored))
    if stored.transparent is not None:
        pair = replace(pair, transparent=int(stored.transparent.sum()))
    elif stored.clear and meaning == "colors":
        clear = sum(pixels for number, pixels in stored.counts.items() if number in stored.clear)
        pair = replace(pair, transparent=clear)
    if stored.values.ndim == 2 and (meaning == "ids" or (meaning is None and not _looks_colored(dataset, stored))):
        pair = replace(pair, values=stored.counts)
        if stored.has_own_palette:
            pair = replace(pair, palette={n: code for n in stored.counts if (code := stored.color_of(n)) is not None})
    elif pair.labels is None:
        pair = replace(pair, colors=dict(Counter(stored.color_counts).most_common(MOST_COLORS + 1)))
    return pair


def _looks_colored(dataset: SceneDataset, stored: StoredMask) -> bool:
    """Whether of a mask that can't be read more pixels are close to a color of the table than have a known id."""
    if not isinstance(dataset, Folder) or not stored.color_counts:
        return False
    reading = dataset.reading
    close = sum(pixels for code, pixels in stored.color_counts.items() if reading.nearest(code) is not None)
    return close >= sum(pixels for number, pixels in stored.counts.items() if number in reading.known)


def _reason(error: DataError) -> str:
    return str(error).partition(": ")[2] or str(error)
