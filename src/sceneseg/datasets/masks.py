"""Masks as files hold them: ids, palettes and colors in the formats that people save, and what they mean."""

import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageOps

from sceneseg import standalone
from sceneseg.arrays import LabelArray
from sceneseg.errors import DataError
from sceneseg.labels import IGNORE_INDEX, LabelSpace

Color = tuple[int, int, int]
Meaning = Literal["ids", "colors", "either"]
GRAY = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
"""The color of every gray level."""
REDUCED = 254
"""TIFF tag that is odd for a smaller copy of another page."""
NEAR = 16
"""By how much the channels of a color may be wrong and it is still known which color was meant."""
STEPS = {"L;2": 85, "L;4": 17}
"""By how much Pillow multiplies the values of gray images with 2 and 4 bits."""


@dataclass(frozen=True)
class StoredMask:
    """A mask as its file holds it.

    Args:
        values: (H, W) integers where a pixel has one number, which is an id, a gray level or an index of the palette;
            (H, W, 3) uint8 or uint16 RGB otherwise.
        palette: (N, 3) uint8, the color of each of the numbers; None where they have no color of 8 bits.
        has_own_palette: Whether the file itself defines the color of each number.
        clear: Numbers whose color in the palette is transparent.
        transparent: (H, W) bool, where nothing is drawn, so that there is no label; None when that is nowhere.
    """

    values: npt.NDArray[np.integer]
    palette: npt.NDArray[np.uint8] | None = None
    has_own_palette: bool = False
    clear: frozenset[int] = frozenset()
    transparent: npt.NDArray[np.bool_] | None = None

    @cached_property
    def counts(self) -> dict[int, int]:
        """Pixels of each number, or of each color code of a color image; transparent ones don't count."""
        numbers = self.values if self.values.ndim == 2 else color_codes(self.values)
        visible = numbers.ravel() if self.transparent is None else numbers[~self.transparent]
        if visible.dtype == np.uint8:
            pixels = np.bincount(visible, minlength=256)
            return {int(number): int(pixels[number]) for number in np.flatnonzero(pixels)}
        found, counts = np.unique(visible, return_counts=True)
        return dict(zip(found.tolist(), counts.tolist(), strict=True))

    @property
    def color_codes(self) -> npt.NDArray[np.int64] | None:
        """The color code of every pixel, (H, W); None where there are no colors of 8 bits."""
        if self.values.ndim == 3:
            return color_codes(self.values) if self.values.dtype == np.uint8 else None
        return None if self.palette is None else color_codes(self.palette[None])[0][self.values]

    @property
    def color_counts(self) -> dict[int, int]:
        """Pixels of each color code; of numbers without a color, none."""
        if self.values.ndim == 3:
            return self.counts
        found: Counter[int] = Counter()
        for number, pixels in self.counts.items():
            if (code := self.color_of(number)) is not None and number not in self.clear:
                found[code] += pixels
        return dict(found)

    def color_of(self, number: int) -> int | None:
        """Return the color code of a number of the mask, see `color_code`."""
        if self.palette is None or not 0 <= number < len(self.palette):
            return None
        red, green, blue = self.palette[number].tolist()
        return color_code((red, green, blue))


def read_mask(path: Path) -> StoredMask:
    """Read a mask, turned upright by its EXIF data.

    Raises:
        DataError: The file is missing, can't be decoded, has several pages, or holds no whole numbers.
    """
    try:
        data = path.read_bytes()
        with standalone.open_picture(BytesIO(data), path) as picture:
            with standalone.OPENING, warnings.catch_warnings(action="ignore"):  # of tags that reach beyond the file
                pages = _pages(picture)
            if pages > 1:
                raise DataError(
                    f"{path}: expected one mask, found a {picture.format} file of {pages} pages. "
                    f"Save the page with the ids (or, of one page for each class, the number of the class) alone."
                )
            upright = ImageOps.exif_transpose(picture) if _turned(picture, data) else picture
            return _stored(upright, picture, data, path)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except standalone.RunnerError as error:
        raise DataError(str(error)) from None
    except standalone.DAMAGE as error:
        raise DataError(f"{path}: can't be decoded as an image ({error}); it is damaged or another format.") from None


def _pages(picture: PillowImage.Image) -> int:
    """Count the images in a file; smaller copies, as maps have them, and the previews of cameras don't count."""
    number = int(getattr(picture, "n_frames", 1))
    if picture.format != "TIFF" or number == 1:
        return 1 if picture.format == "MPO" else number
    full = 0
    for page in range(number):
        picture.seek(page)
        full += not int(picture.tag_v2.get(REDUCED, 0)) & 1  # type: ignore[attr-defined]
    picture.seek(0)
    return full


def _turned(picture: PillowImage.Image, data: bytes) -> bool:
    """Whether an image may have to be turned; asking Pillow would decode a PNG first."""
    return b"eXIf" in data if picture.format == "PNG" else picture.format in {"TIFF", "WEBP", "JPEG", "MPO"}


def _stored(upright: PillowImage.Image, picture: PillowImage.Image, data: bytes, path: Path) -> StoredMask:
    raw = _raw_mode(picture)
    if upright.mode == "P":
        return _of_palette(upright)
    if upright.mode == "1":
        return StoredMask(np.array(upright).astype(np.uint8), GRAY[[0, IGNORE_INDEX]])
    if raw in STEPS:
        step = STEPS[raw]
        return StoredMask(np.array(upright) // np.uint8(step), GRAY[::step])
    if upright.mode == "L":
        return StoredMask(np.array(upright), GRAY)
    if ";16" in raw and not upright.mode.startswith("I"):  # of these Pillow reads the upper halves only
        return _of_channels(_deep(data, path))
    if upright.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or (upright.mode == "RGB" and "transparency" in upright.info):
        with_alpha = np.array(upright.convert("LA" if upright.mode in {"LA", "La"} else "RGBA"))
        return _of_channels(with_alpha[..., :-1], with_alpha[..., -1])
    if upright.mode not in {"RGB", "CMYK", "YCbCr"}:
        return StoredMask(_whole(np.array(upright), path))
    return _of_channels(np.array(upright.convert("RGB")))


def _raw_mode(picture: PillowImage.Image) -> str:
    """Return Pillow's word for the values as they are stored, for example "RGB;16B"."""
    tiles = getattr(picture, "tile", None)
    args = tiles[0][3] if tiles else ""
    word = args[0] if isinstance(args, tuple) and args else args
    return word if isinstance(word, str) else ""


def _deep(data: bytes, path: Path) -> npt.NDArray[np.integer]:
    """Read a color image of 16 bits, (H, W, 3)."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.ndim != 3 or decoded.shape[2] < 3:
        raise DataError(f"{path}: expected ids or colors of 8 bits, found colors of 16. Save the mask with 8 bits.")
    colors = np.asarray(decoded[..., 2::-1], np.uint16)
    if not (colors % 257).any():  # stretched from 8 bits
        return (colors // 257).astype(np.uint8)
    return colors


def _of_palette(picture: PillowImage.Image) -> StoredMask:
    values = np.array(picture)
    listed = np.array(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(listed)] = listed
    alpha = picture.info.get("transparency", b"")
    clear = {alpha} if isinstance(alpha, int) else {number for number, a in enumerate(alpha) if a == 0}
    used = set(np.unique(values).tolist())
    if used <= clear and len(used) > 1:  # nothing would be left of a drawing: transparency says nothing here
        clear = set()
    is_gray = bool((listed == GRAY[: len(listed)]).all()) and not clear
    return StoredMask(values, palette, not is_gray, frozenset(clear))


def _of_channels(values: npt.NDArray[np.integer], alpha: npt.NDArray[np.uint8] | None = None) -> StoredMask:
    """Return a mask of one channel or of three, without the pixels on which nothing is drawn.

    Three equal channels are one: ids were written three times.
    """
    some = values[::16, ::16]
    if (some == some[..., :1]).all() and (values == values[..., :1]).all():
        values = values[..., 0]
    hidden = None if alpha is None or alpha.all() else alpha == 0
    if hidden is not None and hidden.all() and (values != values[:1, :1]).any():
        hidden = None  # nothing would be left of a drawing: its alpha channel was never filled
    palette = GRAY if values.ndim == 2 and values.dtype == np.uint8 else None
    return StoredMask(values, palette, transparent=hidden)


def _whole(values: npt.NDArray[Any], path: Path) -> npt.NDArray[np.integer]:
    """Return whole numbers, which some programs save as floating point ones."""
    if np.issubdtype(values.dtype, np.integer):
        return values
    if not (np.isfinite(values).all() and (values == np.rint(values)).all()):
        raise DataError(
            f"{path}: expected whole numbers, found {values.dtype} with fractions or without a value, for example "
            f"{_odd_one(values):g}. Save ids as 8 or 16 bit integers."
        )
    return values.astype(np.int64)


def _odd_one(values: npt.NDArray[Any]) -> float:
    return float(values[~(values == np.rint(values)) | ~np.isfinite(values)][0])


class MaskReading:
    """Meaning of the numbers and colors in masks.

    Args:
        colors: Label id of each color; empty when masks hold ids only.
        space: What the ids mean.
    """

    def __init__(self, colors: dict[Color, int], space: LabelSpace) -> None:
        self.space = space
        self.colors = {color_code(color): label_id for color, label_id in colors.items()}
        self.known = {label_id for c in space.classes for label_id in c.label_ids} | set(space.void_ids)
        self._codes = np.array(sorted(self.colors))

    def meaning(self, stored: StoredMask) -> Meaning | None:
        """Return how a mask with one number per pixel is to be read; None when neither its ids nor its colors fit.

        Where colors are given, those of a mask count. Its numbers count where its colors aren't among them, as in
        masks of ids with a palette of another program. Gray levels can be both, with different results: "either".
        """
        if not self.colors or stored.values.ndim == 3:
            return "colors" if self.colors else "ids"
        by_color = self._by_color(stored)
        has_colors, has_ids = None not in by_color.values(), by_color.keys() <= self.known
        differs = {n for n in by_color if has_ids and self._train_id(n) != self._train_id(by_color[n])}
        if has_colors:
            return "either" if differs and not stored.has_own_palette else "colors"
        if not has_ids or (stored.has_own_palette and any(by_color[n] is not None for n in differs)):
            return None
        return None if differs and stored.has_own_palette and self._almost(stored, by_color) else "ids"

    def _almost(self, stored: StoredMask, numbers: Iterable[int]) -> bool:
        """Return whether the colors of numbers are nearly those of the table, and not in the order of the ids."""
        codes = [stored.color_of(number) for number in numbers]
        near = [None if code is None else self.nearest(code) for code in codes]
        if None in near:
            return False
        meant = [self._train_id(self.colors[code]) for code in near if code is not None]
        return meant != [self._train_id(number) for number in numbers]

    def evidence(self, stored: StoredMask) -> Meaning | None:
        """Return which meaning of gray levels a mask shows that can be read in one way only; None for others."""
        if stored.values.ndim == 3 or stored.has_own_palette or not self.colors:
            return None
        by_color = self._by_color(stored)
        has_colors, has_ids = None not in by_color.values(), by_color.keys() <= self.known
        return None if has_colors == has_ids else "colors" if has_colors else "ids"

    def _by_color(self, stored: StoredMask) -> dict[int, int | None]:
        """Return the label ids that the colors of a mask's numbers mean; ids that are void anyway are left out."""
        void = {IGNORE_INDEX} & set(self.space.void_ids) if stored.has_own_palette else set(self.space.void_ids)
        found = {number: self._label_id(stored, number) for number in stored.counts}
        return {number: label_id for number, label_id in found.items() if label_id is not None or number not in void}

    def _label_id(self, stored: StoredMask, number: int) -> int | None:
        """Return the label id that the color of a number means."""
        if number in stored.clear:
            return self.space.void_label_id
        code = stored.color_of(number)
        return None if code is None else self.colors.get(code)

    def _train_id(self, label_id: int | None) -> int | None:
        return None if label_id is None else int(self.space.encode(np.array([[label_id]]))[0, 0])

    def nearest(self, code: int) -> int | None:
        """Return the color code of the table that a color was meant to be; None where that can't be known."""
        if not self.colors:
            return None
        table = np.array([color_of(int(known)) for known in self._codes])
        distance = np.abs(table - color_of(code)).max(1)
        first, *others = np.argsort(distance, kind="stable").tolist()
        rivals = distance[others[0]] if others else 2 * NEAR + 1
        is_clear = distance[first] <= NEAR and 2 * distance[first] < rivals
        return int(self._codes[first]) if is_clear else None

    def labels(self, stored: StoredMask, meaning: Meaning | None, where: object = "the mask") -> LabelArray:
        """Return the train ids of a mask, (H, W).

        Args:
            stored: The mask.
            meaning: How it is to be read, "ids" or "colors"; None is neither.
            where: The file, for messages.

        Raises:
            DataError: A color or an id that isn't known.
        """
        if stored.values.ndim == 3:
            labels = self._of_colors(stored, where)
        elif meaning == "ids":
            values = stored.values
            if stored.transparent is not None:
                values = np.where(stored.transparent, self.space.void_label_id, values)
            labels = self.space.encode(values, where=where)
        else:
            labels = self._of_palette(stored, where)
        if stored.transparent is not None:
            labels = np.where(stored.transparent, np.uint8(IGNORE_INDEX), labels)
        return labels

    def _of_palette(self, stored: StoredMask, where: object) -> LabelArray:
        """Read the numbers of a mask as what their colors mean."""
        by_color = self._by_color(stored)
        if unknown := [number for number, label_id in by_color.items() if label_id is None]:
            raise self._unknown({self._named(stored, n): stored.counts[n] for n in unknown}, where)
        ids = {number: label_id for number, label_id in by_color.items() if label_id is not None}
        table = np.full(max(stored.counts, default=0) + 1, self.space.void_label_id)
        table[list(ids)] = list(ids.values())
        labels: LabelArray = self.space.encode(table[None], where=where)[0][np.minimum(stored.values, len(table) - 1)]
        return labels

    def _named(self, stored: StoredMask, number: int) -> str:
        code = stored.color_of(number)
        return f"the id {number}" if code is None else f"{color_of(code)}"

    def _of_colors(self, stored: StoredMask, where: object) -> LabelArray:
        """Read a color image."""
        if not self.colors:
            raise DataError(
                f"{where}: expected one id per pixel, found a color image. Say which color is which class with "
                f"`colors` in the YAML file; `sceneseg data doctor` lists the colors."
            )
        if stored.values.dtype != np.uint8:
            raise DataError(f"{where}: expected colors of 8 bits, found colors of 16. Save the mask with 8 bits.")
        codes = color_codes(stored.values)
        if stored.transparent is not None:
            codes[stored.transparent] = self._codes[0]
        at = np.searchsorted(self._codes, codes).clip(max=len(self._codes) - 1)
        if (unknown := self._codes[at] != codes).any():
            found, counts = np.unique(codes[unknown], return_counts=True)
            raise self._unknown({f"{color_of(int(c))}": int(n) for c, n in zip(found, counts, strict=True)}, where)
        ids = np.array([self.colors[int(code)] for code in self._codes])
        labels: LabelArray = self.space.encode(ids[None], where=where)[0][at]
        return labels

    def _unknown(self, colors: dict[str, int], where: object) -> DataError:
        named = ", ".join(f"{color} ({n} pixels)" for color, n in list(colors.items())[:3])
        return DataError(
            f"{where}: found {len(colors)} colors that aren't in the table, first {named}. Add them to `colors` or "
            f"`void` in the YAML file; many colors with few pixels each come from JPEG or from smooth resizing."
        )


def color_codes(picture: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return one number for each color of (H, W, 3)."""
    red, green, blue = (picture[..., i].astype(np.int64) for i in range(3))
    return (red << 16) | (green << 8) | blue


def color_code(color: Color) -> int:
    """Return the number of a color."""
    return color[0] << 16 | color[1] << 8 | color[2]


def color_of(code: int) -> Color:
    """Return the color of a number."""
    return code >> 16, code >> 8 & 255, code & 255
