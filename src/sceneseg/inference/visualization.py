"""Labels as images: colors, overlays with a legend, grids, and PNG files that hold indices and colors."""

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from sceneseg.arrays import ImageArray, LabelArray
from sceneseg.labels import IGNORE_INDEX, LabelSpace
from sceneseg.records import run_directory


def colorize(labels: LabelArray, space: LabelSpace) -> ImageArray:
    """Return the colors (H, W, 3) of train ids (H, W); void is black."""
    image: ImageArray = space.palette[labels]
    return image


def overlay(
    image: ImageArray, labels: LabelArray, space: LabelSpace, opacity: float = 0.55, legend: bool = True
) -> ImageArray:
    """Lay the class colors over an image, with outlines between classes and a legend of those that occur.

    Args:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) train ids.
        space: Names and colors.
        opacity: Share of the colors, 0..1.
        legend: Whether the names are written below the image, the most frequent first.

    Returns:
        (H', W, 3) uint8; H' is larger than H by the legend.
    """
    colored = cv2.addWeighted(image, 1 - opacity, colorize(labels, space), opacity, 0)
    mixed: ImageArray = np.where((labels == IGNORE_INDEX)[..., None], image, colored).astype(np.uint8)
    edge = np.zeros(labels.shape, bool)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    mixed[edge] = (mixed[edge] * 0.35 + 255 * 0.65).astype(np.uint8)
    return np.vstack([mixed, _legend(labels, space, image.shape[1])]) if legend else mixed


def _legend(labels: LabelArray, space: LabelSpace, width: int) -> ImageArray:
    counts = np.bincount(labels.ravel(), minlength=256)[: len(space)]
    shown = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    size = float(np.clip(width / 1600, 0.4, 0.9))  # of the letters
    unit = round(26 * size)
    rows, x = [np.full((round(unit * 1.7), width, 3), 24, np.uint8)], unit // 2
    for i in shown:
        text = f"{space.names[i]} {100 * counts[i] / labels.size:.0f}%"
        length = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0] + round(2.2 * unit)
        if x + length > width and x > unit // 2:
            rows.append(np.full_like(rows[0], 24))
            x = unit // 2
        top = (rows[-1].shape[0] - unit) // 2
        cv2.rectangle(rows[-1], (x, top), (x + unit, top + unit), space.classes[i].color, -1)
        at = (x + round(1.35 * unit), top + round(0.82 * unit))
        cv2.putText(rows[-1], text, at, cv2.FONT_HERSHEY_SIMPLEX, size, (235, 235, 235), 1, cv2.LINE_AA)
        x += length
    return np.vstack(rows)


def captioned(picture: ImageArray, text: str, width: int = 480) -> ImageArray:
    """Return the image `width` pixels wide with a line of text below."""
    picture = _fit(picture, width)
    line = np.full((round(0.055 * width), width, 3), 24, np.uint8)
    at = (round(0.015 * width), round(0.66 * len(line)))
    cv2.putText(line, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.032 * width / 22, (235, 235, 235), 1, cv2.LINE_AA)
    return np.vstack([picture, line])


def grid(rows: list[list[ImageArray]], width: int = 480, gap: int = 4) -> ImageArray:
    """Put images of one shape each into rows and columns, every cell `width` pixels wide."""
    cells = [[_fit(cell, width) for cell in row] for row in rows]
    lines = [_joined(row, gap, axis=1) for row in cells]
    return _joined(lines, gap, axis=0)


def _fit(picture: ImageArray, width: int) -> ImageArray:
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _joined(pictures: list[ImageArray], gap: int, axis: int) -> ImageArray:
    parts: list[ImageArray] = []
    for image in pictures:
        shape = list(image.shape)
        shape[axis] = gap
        parts += [np.full(shape, 255, np.uint8), image]
    return np.concatenate(parts[1:], axis=axis)


def palette_png(labels: LabelArray, space: LabelSpace) -> bytes:
    """Encode train ids as a PNG with a palette: programs read the ids, viewers show the class colors."""
    image = PillowImage.fromarray(labels, mode=None)
    image.putpalette(space.palette.tobytes())
    return _png(image)


def rgb_png(picture: npt.NDArray[Any]) -> bytes:
    """Encode (H, W, 3) RGB or (H, W) gray as PNG."""
    return _png(PillowImage.fromarray(picture))


def jpeg(picture: ImageArray, quality: int = 88) -> bytes:
    """Encode (H, W, 3) RGB as JPEG."""
    buffer = io.BytesIO()
    PillowImage.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _png(picture: PillowImage.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def write_bytes(path: Path, data: bytes) -> None:
    """Write an image file, whole or not at all, making its folder."""
    with run_directory.atomic(path) as temporary:
        temporary.write_bytes(data)
