"""Images inside a page: scaled and compressed until together they stay within a budget."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from sceneseg.arrays import AnyArray

K = TypeVar("K")

LADDER = ((1120, 84), (960, 80), (800, 76), (640, 72), (512, 66), (400, 60), (280, 50))
"""(longest side, JPEG quality) of a group's images, tried from the best to the smallest."""
MASK_COLORS = 256
"""A PNG of at most so many colors is a label map: it keeps its exact colors."""


@dataclass(frozen=True)
class Picture:
    """An embedded image."""

    uri: str
    width: int
    height: int


def embed(groups: Mapping[K, Sequence[Path]], budget: int) -> dict[K, list[Picture]]:
    """Turn groups of images into data URIs that together have at most `budget` characters.

    Every group gets the same size and quality. A group with a file that isn't an image is left out, and the last
    groups are when even the smallest size is too much.

    Args:
        groups: Files that belong together, for example image, truth and prediction, by any key.
        budget: Characters for all of them.

    Returns:
        The groups that are in, in the order given.
    """
    sources = {key: [_read(path) for path in group] for key, group in groups.items()}
    whole = {key: [s for s in group if s] for key, group in sources.items() if all(group)}
    embedded: dict[K, list[Picture]] = {}
    for side, quality in LADDER:
        embedded = _encode(whole, side, quality, budget)
        if len(embedded) == len(whole):
            break
    return embedded


def _encode(groups: Mapping[K, Sequence["_Source"]], side: int, quality: int, budget: int) -> dict[K, list[Picture]]:
    """Encode groups in turn until the budget is spent."""
    embedded = {}
    for key, group in groups.items():
        images = [source.encode(side, quality) for source in group]
        budget -= sum(len(image.uri) for image in images)
        if budget < 0:
            break
        embedded[key] = images
    return embedded


@dataclass(frozen=True)
class _Source:
    """A decoded image, not larger than the first step of the ladder needs."""

    pixels: AnyArray
    is_mask: bool

    def encode(self, side: int, quality: int) -> Picture:
        pixels = _shrink(self.pixels, side, self.is_mask)
        kind, options = (
            ("png", [cv2.IMWRITE_PNG_COMPRESSION, 9])
            if self.is_mask
            else ("jpeg", [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
        )
        data = base64.b64encode(cv2.imencode(f".{kind}", pixels, options)[1].tobytes()).decode()
        return Picture(f"data:image/{kind};base64,{data}", pixels.shape[1], pixels.shape[0])


def _read(path: Path) -> _Source | None:
    data = np.fromfile(path, np.uint8)
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:  # of a header that claims too many pixels
        pixels = None
    if pixels is None:
        return None
    is_mask = path.suffix == ".png" and _count_colors(pixels) <= MASK_COLORS
    return _Source(_shrink(pixels, LADDER[0][0], is_mask), is_mask)


def _shrink(pixels: AnyArray, side: int, is_mask: bool) -> AnyArray:
    """Scale so that no side is longer than `side`; label maps by nearest neighbor, which mixes no colors."""
    factor = side / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    height, width = (max(1, round(n * factor)) for n in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_NEAREST if is_mask else cv2.INTER_AREA)


def _count_colors(pixels: AnyArray) -> int:
    sparse = pixels[::4, ::4].astype(np.uint32)
    return int(np.unique(sparse[..., 0] << 16 | sparse[..., 1] << 8 | sparse[..., 2]).size)
