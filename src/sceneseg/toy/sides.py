"""Sides of a street: houses, walls, fences, hedges and trees."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sceneseg.toy.canvas import Color, Part, tint
from sceneseg.toy.solids import blob, draw_leaves
from sceneseg.toy.stage import TOWARDS, UP, Place, Points, Stage, Vector

PLASTER: tuple[Color, ...] = (
    (198, 182, 156),
    (172, 164, 154),
    (208, 204, 194),
    (152, 98, 80),
    (184, 142, 114),
    (126, 120, 116),
    (208, 190, 136),
    (160, 168, 172),
    (142, 122, 104),
)
ROOF: tuple[Color, ...] = ((132, 74, 58), (92, 82, 80), (110, 92, 82), (74, 76, 84))
GLASS: tuple[Color, ...] = ((52, 60, 70), (40, 44, 50), (88, 102, 116))
SHOP: tuple[Color, ...] = ((168, 48, 44), (44, 86, 140), (48, 112, 76), (214, 178, 72), (70, 66, 72))
FOLIAGE: tuple[Color, ...] = ((62, 84, 42), (70, 92, 44), (52, 72, 44), (60, 88, 52), (82, 94, 44), (128, 100, 50))
BARK: tuple[Color, ...] = ((84, 70, 58), (100, 90, 80))
STONE: tuple[Color, ...] = ((138, 122, 112), (120, 110, 108), (146, 118, 100), (152, 142, 128))
IRON: tuple[Color, ...] = ((52, 74, 62), (44, 66, 54), (56, 58, 56), (104, 76, 56))

Row = npt.NDArray[np.floating[Any]]


class Segment(NamedTuple):
    """A piece of a street's side.

    Args:
        kind: One of `KINDS`.
        side: -1 left, 1 right.
        x: Meters to the right at which it begins; it reaches outwards from there.
        near: Meters ahead of its near end.
        far: Meters ahead of its far end.
    """

    kind: str
    side: int
    x: float
    near: float
    far: float

    def upright(self, near: float, far: float, low: float, high: float) -> Points:
        """Return a rectangle (4, 3) in the plane that faces the street."""
        return np.array([(self.x, low, near), (self.x, low, far), (self.x, high, far), (self.x, high, near)])

    def uprights(self, near: Row, far: Row, low: Row, high: Row) -> Points:
        """Return many such rectangles (K, 4, 3) at once, from arrays (K,)."""
        x = np.full(len(near), self.x)
        corners = ((low, near), (low, far), (high, far), (high, near))
        return np.stack([np.stack([x, y, z], axis=-1) for y, z in corners], axis=1)

    @property
    def inwards(self) -> Vector:
        """The normal of what faces the street."""
        return (-float(self.side), 0.0, 0.0)


def draw_segment(stage: Stage, segment: Segment) -> None:
    """Draw a piece of a street's side."""
    KINDS[segment.kind](stage, segment)


def draw_building(stage: Stage, segment: Segment) -> None:
    """Draw a house with its front on the street, its gable towards the camera, and perhaps a roof."""
    near, far, side, x = segment.near, segment.far, segment.side, segment.x
    floors = int(stage.rng.integers(2, 6))
    storey = stage.between(2.8, 3.6)
    height, depth = floors * storey + stage.between(0.3, 1.2), stage.between(8, 12)
    wall, roof, back = stage.pick(PLASTER), stage.pick(ROOF), x + side * depth
    parts = []
    if pitched := stage.happens(0.6):
        ridge, top = x + side * depth / 2, height + stage.between(1.8, 3.6)
        slope = [(x - side * 0.3, height, near), (x - side * 0.3, height, far), (ridge, top, far), (ridge, top, near)]
        parts.append(stage.face(slope, roof, (-side * 0.6, 0.8, 0.0)))
        parts.append(stage.face([(x, height, near), (back, height, near), (ridge, top, near)], wall, TOWARDS))
    gable = [(x, 0, near), (back, 0, near), (back, height, near), (x, height, near)]
    parts.append(stage.face(gable, wall, TOWARDS))
    parts.append(stage.face(segment.upright(near, far, 0, height), wall, segment.inwards))
    stage.canvas.draw("building", parts)
    if not pitched:
        stage.paint(segment.upright(near, far, height - 0.4, height)[None], roof, segment.inwards)
    _draw_front(stage, segment, floors, storey, tint(wall, 1.2))
    _draw_gable_windows(stage, segment, floors, storey, depth)


def _draw_front(stage: Stage, segment: Segment, floors: int, storey: float, trim: Color) -> None:
    """Paint rows of windows, and a ground floor with a door or shops."""
    pitch, share = stage.between(2.2, 3.4), stage.between(0.35, 0.6)
    columns = np.arange(segment.near + 0.8, segment.far - pitch * share - 0.4, pitch)
    shop = stage.happens(0.35) and segment.far - segment.near > 5
    rows = np.arange(1 if shop else 0, floors) * storey + 1.0
    left, low = (grid.ravel() for grid in np.meshgrid(columns, rows))
    wide, tall = pitch * share, storey * stage.between(0.42, 0.56)
    frames = segment.uprights(left - 0.12, left + wide + 0.12, low - 0.15, low + tall + 0.1)
    stage.paint(frames, trim, segment.inwards)
    panes = segment.uprights(left, left + wide, low, low + tall)
    curtain = stage.rng.random(len(panes)) < 0.25
    stage.paint(panes[~curtain], stage.pick(GLASS), segment.inwards)
    stage.paint(panes[curtain], (150, 146, 138), segment.inwards)
    if stage.happens(0.3):
        balconies = segment.uprights(left - 0.3, left + wide + 0.3, low - 0.5, low + 0.25)
        stage.paint(balconies[low > storey], trim, segment.inwards)
    if shop:
        stage.paint(segment.upright(segment.near + 0.5, segment.far - 0.5, 0.4, 2.5)[None], GLASS[0], segment.inwards)
        sign = segment.upright(segment.near + 0.3, segment.far - 0.3, 2.55, 3.15)
        stage.paint(sign[None], stage.pick(SHOP), segment.inwards)
    door = stage.between(segment.near + 0.5, max(segment.near + 0.6, segment.far - 2))
    stage.paint(segment.upright(door, door + 1.2, 0, 2.3)[None], stage.pick(SHOP[1:]), segment.inwards)


def _draw_gable_windows(stage: Stage, segment: Segment, floors: int, storey: float, depth: float) -> None:
    across = segment.x + segment.side * np.arange(1.5, depth - 1.5, stage.between(2.4, 4.0))
    panes = _windows(across, np.arange(floors) * storey + 1.0, segment.near)
    stage.paint(panes[stage.rng.random(len(panes)) < 0.7], stage.pick(GLASS), TOWARDS)


def _windows(columns: Row, rows: Row, z: float) -> Points:
    """Return a grid of windows (K, 4, 3) that face the camera."""
    x, y = (grid.ravel() for grid in np.meshgrid(columns, rows))
    corners = ((x, y), (x + 1.1, y), (x + 1.1, y + 1.5), (x, y + 1.5))
    return np.stack([np.stack([a, b, np.full(len(x), z)], axis=-1) for a, b in corners], axis=1)


def draw_wall(stage: Stage, segment: Segment) -> None:
    """Draw a wall of stone or plaster with coping and joints, and greenery or a house behind it."""
    _draw_behind(stage, segment)
    height, color = stage.between(1.7, 3.2), stage.pick(STONE if stage.happens(0.75) else PLASTER)
    near, far, back = segment.near, segment.far, segment.x + segment.side * 0.4
    end = [(segment.x, 0, near), (back, 0, near), (back, height, near), (segment.x, height, near)]
    front = segment.upright(near, far, 0, height)
    stage.canvas.draw("wall", [stage.face(end, color), stage.face(front, color, segment.inwards)])
    dark = tint(color, 0.78)
    if stage.happens(0.85):
        low = np.arange(0.3, height - 0.2, stage.between(0.25, 0.5))
        stage.paint(segment.uprights(0 * low + near, 0 * low + far, low, low + 0.05), dark, segment.inwards)
    pillars = np.arange(near, far - 0.4, stage.between(2.5, 5))
    stage.paint(segment.uprights(pillars, pillars + 0.3, 0 * pillars, 0 * pillars + height), dark, segment.inwards)
    stage.paint(segment.upright(near, far, height - 0.18, height)[None], (186, 180, 172), segment.inwards)


def draw_fence(stage: Stage, segment: Segment) -> None:
    """Draw a fence of iron bars, mesh or planks; the gaps belong to it, and the garden shows through."""
    _draw_behind(stage, segment)
    height, color = stage.between(1.5, 2.5), stage.pick(IRON)
    near, far = segment.near, segment.far
    whole = stage.face(segment.upright(near, far, 0, height), color, segment.inwards)
    planks = stage.happens(0.3)
    stage.canvas.draw("fence", [Part(whole.outline, whole.color if planks else None)])
    pitch = stage.between(0.2, 0.35)
    bars = np.arange(near, far, pitch)
    width = pitch * (0.12 if planks else stage.between(0.35, 0.55))
    ink = tint(color, 0.6) if planks else color  # the gaps between planks, or the bars themselves
    stage.paint(segment.uprights(bars, bars + width, 0 * bars, 0 * bars + height), ink, segment.inwards)
    posts = np.arange(near, far, 2.4)
    stage.paint(segment.uprights(posts, posts + 0.14, 0 * posts, 0 * posts + height), color, segment.inwards)
    for low in (0.15, height - 0.15):
        stage.paint(segment.upright(near, far, low, low + 0.1)[None], color, segment.inwards)


def draw_hedge(stage: Stage, segment: Segment) -> None:
    """Draw a clipped hedge as long as the segment."""
    height, color = stage.between(1.0, 2.4), stage.pick(FOLIAGE)
    z = np.linspace(segment.near, segment.far, 14)
    top = height + stage.rng.uniform(-0.12, 0.12, 14)
    upper = np.stack([np.full(14, segment.x), top, z], axis=-1)
    front = np.concatenate([upper, [(segment.x, 0, segment.far), (segment.x, 0, segment.near)]])
    back = segment.x + segment.side * 1.2
    end = [(segment.x, 0, segment.near), (back, 0, segment.near), (back, height, segment.near), upper[0]]
    stage.canvas.draw("vegetation", [stage.face(end, color), stage.face(front, color, segment.inwards)])


def draw_park(stage: Stage, segment: Segment) -> None:
    """Draw trees and bushes on grass."""
    count = 5 if segment.near < 45 else 3
    for z in sorted(stage.rng.uniform(segment.near, segment.far, count), reverse=True):
        x = segment.x + segment.side * stage.between(1.0, 9.0)
        if stage.sees(place := Place(x, z), 3):
            (draw_tree if stage.happens(0.5) else draw_bush)(stage, place)


def _draw_behind(stage: Stage, segment: Segment) -> None:
    """Draw what a wall or fence encloses."""
    set_back = segment._replace(x=segment.x + segment.side * stage.between(3, 5))
    if stage.happens(0.45):
        draw_building(stage, set_back)
    else:
        draw_park(stage, set_back)


KINDS: dict[str, Callable[[Stage, Segment], None]] = {
    "building": draw_building,
    "wall": draw_wall,
    "fence": draw_fence,
    "hedge": draw_hedge,
    "park": draw_park,
}


def draw_tree(stage: Stage, place: Place) -> None:
    """Draw a trunk and a leafy crown of a few masses."""
    height, spread = stage.between(5, 9), stage.between(1.5, 2.8)
    stage.cast_shadow(place, 2.5, 2.5, 0.65)
    trunk = stage.limb(place, (0, 0, 0), (0, height * 0.6, 0), stage.between(0.1, 0.2), stage.pick(BARK))
    offsets = stage.rng.uniform((-1, 0.55 * height, -1.2), (1, 0.85 * height, 1.2), (4, 3))
    size = stage.camera.focal / place.z
    radii = size * spread * stage.rng.uniform(0.5, 0.9, (4, 1)) * (1, 0.85)
    masses = stage.camera.project(place.world(offsets))
    draw_leaves(stage, masses, radii, stage.pick(FOLIAGE), place.z, [trunk])
    if stage.happens(0.3):  # the sky shows through
        gaps = [blob(stage.rng, mass, np.full(2, 0.12 * size), 0.4, 6) for mass in masses]
        stage.canvas.paint(np.stack(gaps), stage.light.haze)


def draw_bush(stage: Stage, place: Place) -> None:
    """Draw a bush."""
    radius = np.array([stage.between(0.7, 1.6), stage.between(0.5, 0.9)])
    center = stage.camera.project(place.world([0, radius[1] * 0.9, 0]))
    stage.cast_shadow(place, 1.8, 1.8, 0.7)
    radii = (radius * stage.camera.focal / place.z)[None]
    draw_leaves(stage, center[None], radii, stage.pick(FOLIAGE), place.z, [])


def draw_backdrop(stage: Stage) -> None:
    """Close the view at the far end with woods, and sometimes with houses in front of them."""
    x = np.linspace(-130, 130, 60)
    ridge = stage.between(5, 12) + stage.rng.uniform(-1.5, 1.5, 60) + 2 * np.sin(x / stage.between(12, 30))
    z = np.full(60, 135.0)
    top = np.stack([x, ridge, z], axis=-1)
    stage.canvas.draw("vegetation", [stage.face([*top, (130, 0, 135), (-130, 0, 135)], stage.pick(FOLIAGE), UP)])
    for _ in range(stage.rng.integers(0, 6)):
        left, wide, high = stage.between(-50, 40), stage.between(6, 16), stage.between(6, 14)
        corners = [(left, 0, 125), (left + wide, 0, 125), (left + wide, high, 125), (left, high, 125)]
        stage.canvas.draw("building", [stage.face(corners, stage.pick(PLASTER))])
        panes = _windows(np.arange(left + 0.8, left + wide - 1.5, 2.5), np.arange(1.2, high - 1.5, 3), 125.0)
        stage.paint(panes, GLASS[0], TOWARDS)
