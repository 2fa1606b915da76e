"""An image and its annotation that grow together: what is drawn is painted and labeled in one step."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.datasets.cityscapes import LABELS

Color = tuple[float, float, float]
Outline = npt.NDArray[np.float64]

ROW = {row.name: row for row in LABELS}
SUBPIXEL = 4
"""Bits behind the binary point in the coordinates of anti-aliased outlines."""


def tint(color: Color, brightness: float) -> Color:
    """Return the same color lighter or darker."""
    return color[0] * brightness, color[1] * brightness, color[2] * brightness


class Polygon(NamedTuple):
    """Annotated outline: a Cityscapes label (or "cargroup") and (N, 2) int32 pixel coordinates x, y."""

    label: str
    points: npt.NDArray[np.int32]

    @property
    def is_group(self) -> bool:
        """Whether several objects of the class were outlined together."""
        return self.label not in ROW

    @property
    def label_id(self) -> int:
        """The id that is stored for this label."""
        return ROW[self.label.removesuffix("group") if self.is_group else self.label].label_id

    @property
    def has_instances(self) -> bool:
        """Whether this outline is one countable object."""
        return not self.is_group and ROW[self.label].has_instances


class Part(NamedTuple):
    """A piece of an object.

    Args:
        outline: (N, 2) pixel coordinates x, y.
        color: RGB 0..255; None where one looks through it (the spokes of a wheel).
        solid: Whether it belongs to the object's outline; a window pane lies within and needn't.
    """

    outline: Outline
    color: Color | None
    solid: bool = True


class Annotation:
    """Polygons and what they look like as pixels; later ones cover earlier ones.

    Args:
        size: (height, width).
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.polygons: list[Polygon] = []
        self.label_ids = np.zeros(size, np.uint8)
        self.instance_ids = np.zeros(size, np.uint16)
        self._count: Counter[str] = Counter()

    def add(self, polygon: Polygon) -> None:
        """Draw a polygon; objects of a class are numbered from 0 as they come."""
        value = polygon.label_id
        if polygon.has_instances:
            value = value * 1000 + self._count[polygon.label]
            self._count[polygon.label] += 1
        cv2.fillPoly(self.label_ids, [polygon.points], (polygon.label_id,))
        cv2.fillPoly(self.instance_ids, [polygon.points], (value,))
        self.polygons.append(polygon)


class Canvas:
    """Paints an anti-aliased image and adds to a hard-edged annotation, back to front.

    Args:
        size: (height, width).
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.image = np.zeros((*size, 3), np.uint8)
        self.annotation = Annotation(size)

    def draw(self, label: str, parts: Sequence[Part]) -> None:
        """Paint an object and annotate it with one polygon around its solid parts.

        What falls outside the image, or is too small for a polygon, isn't drawn at all.
        """
        points = silhouette([part.outline for part in parts if part.solid], self.size)
        if points is None:
            return
        for part in parts:
            if part.color is not None:
                self.paint(part.outline[None], part.color)
        self.annotation.add(Polygon(label, points))

    def paint(self, outlines: Outline, color: Color) -> None:
        """Fill outlines (K, N, 2) in the image alone; where two overlap, neither is filled."""
        fixed = (outlines * 2**SUBPIXEL).astype(np.int32)
        cv2.fillPoly(self.image, list(fixed), color, cv2.LINE_AA, SUBPIXEL)

    def shade(self, outlines: Sequence[Outline], brightness: float) -> None:
        """Multiply the image by `brightness` within outlines, with a soft edge."""
        box = bounding_box(outlines, self.size, margin=2)
        if box is None:
            return
        mask = fill_mask(outlines, box, 255)
        soft = cv2.blur(mask, (3, 3)).astype(np.float32)[..., None]
        x, y, right, bottom = box
        window = self.image[y:bottom, x:right]
        window[:] = window * (1 - soft * ((1 - brightness) / 255))


def silhouette(outlines: Sequence[Outline], size: tuple[int, int]) -> npt.NDArray[np.int32] | None:
    """Return the outer contour (N, 2) of overlapping outlines within the image, None if there is next to nothing.

    Going through a mask joins the outlines and clips them in one step; of separate blots the largest counts.
    """
    box = bounding_box(outlines, size)
    if box is None:
        return None
    found, _ = cv2.findContours(
        fill_mask(outlines, box, 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(box[0], box[1])
    )
    if not found:
        return None
    contour = cv2.approxPolyDP(max(found, key=cv2.contourArea), 0.75, closed=True)[:, 0]
    return np.asarray(contour, np.int32) if len(contour) >= 3 else None


def fill_mask(outlines: Sequence[Outline], box: tuple[int, int, int, int], value: int) -> npt.NDArray[np.uint8]:
    """Fill outlines into an empty image of the given box (left, top, right, bottom)."""
    mask = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
    for outline in outlines:  # one by one: filled together, overlaps would cancel out
        cv2.fillPoly(mask, [np.rint(outline - box[:2]).astype(np.int32)], (value,))
    return mask


def bounding_box(
    outlines: Sequence[Outline], size: tuple[int, int], margin: int = 0
) -> tuple[int, int, int, int] | None:
    """Return (left, top, right, bottom) around outlines, cut at the image's edges; None if nothing is left."""
    points: npt.NDArray[Any] = np.concatenate(outlines)
    left, top = np.maximum(np.rint(points.min(axis=0)) - margin, 0).astype(int)
    right, bottom = np.minimum(np.rint(points.max(axis=0)) + margin + 1, (size[1], size[0])).astype(int)
    return (int(left), int(top), int(right), int(bottom)) if right > left and bottom > top else None
