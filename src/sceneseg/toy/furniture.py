"""Street furniture: lamps, signs, traffic lights, bins and bollards."""

import math

import numpy as np

from sceneseg.toy.canvas import Color, Part, tint
from sceneseg.toy.solids import Prism, box
from sceneseg.toy.stage import CIRCLE, Place, Points, Stage

METAL: tuple[Color, ...] = ((78, 82, 84), (92, 94, 92), (70, 76, 78), (134, 136, 134))
BIN: tuple[Color, ...] = ((70, 90, 72), (92, 92, 94), (150, 110, 60), (60, 74, 104))
LAMPS: tuple[Color, ...] = ((232, 60, 44), (236, 176, 60), (70, 206, 130))
RED: Color = (190, 38, 36)
WHITE: Color = (228, 228, 222)
BLUE: Color = (38, 76, 150)
YELLOW: Color = (232, 190, 62)

Layer = tuple[Points, float, Color]
"""A shape for a radius of 1, its share of the sign's size, and its color."""


def draw_lamp(stage: Stage, place: Place) -> None:
    """Draw a street lamp whose arm reaches over the road."""
    height, color = stage.between(5.5, 8), stage.pick(METAL)
    reach = -math.copysign(stage.between(0.8, 2.2), place.x)
    parts = [
        stage.limb(place, (0, 0, 0), (0, height, 0), 0.1, color),
        stage.limb(place, (0, 0, 0), (0, 1, 0), 0.14, color),
    ]
    parts.append(stage.limb(place, (0, height, 0), (0, height + 0.3, reach), 0.1, color))
    parts.append(stage.limb(place, (0, height + 0.3, reach), (0, height + 0.3, reach * 1.3), 0.11, (206, 204, 190)))
    stage.canvas.draw("pole", parts)


def draw_sign(stage: Stage, place: Place) -> None:
    """Draw one or two traffic signs on a pole."""
    top = stage.between(2.3, 2.9)
    stage.canvas.draw("pole", [stage.limb(place, (0, 0, 0), (0, top + 0.2, 0), 0.1, stage.pick(METAL))])
    for height in (top, top - 0.75)[: 1 + stage.happens(0.35)]:
        shape = SIGNS[stage.rng.integers(len(SIGNS))]
        size = stage.between(0.34, 0.44)
        stage.canvas.draw("traffic sign", [_plate(stage, place, height, size, layer) for layer in shape])


def draw_board(stage: Stage, place: Place) -> None:
    """Draw a wide direction sign between two poles, with lines of writing."""
    wide, low, high = stage.between(0.9, 1.5), stage.between(1.8, 2.2), stage.between(2.9, 3.3)
    metal, color = stage.pick(METAL), (YELLOW, BLUE, WHITE)[stage.rng.integers(3)]
    for w in (-wide * 0.8, wide * 0.8):
        stage.canvas.draw("pole", [stage.limb(place, (0, 0, w), (0, high, w), 0.1, metal)])
    ink = WHITE if color == BLUE else (40, 40, 44)
    parts = [_panel(stage, place, (-wide, wide), (low, high), color)]
    for row in np.linspace(low + 0.2, high - 0.4, 3):
        parts.append(
            _panel(stage, place, (-wide * 0.8, wide * stage.between(-0.2, 0.7)), (row, row + 0.16), ink, False)
        )
    stage.canvas.draw("traffic sign", parts)


def draw_traffic_light(stage: Stage, place: Place) -> None:
    """Draw a pole with a signal, and often a second signal on an arm over the road."""
    metal, lit = stage.pick(METAL), int(stage.rng.integers(3))
    inwards = -math.copysign(1.0, place.x)
    arm = inwards * stage.between(2.0, 3.5) if stage.happens(0.5) else 0.0
    parts = [stage.limb(place, (0, 0, 0), (0, 5.2 if arm else 3.4, 0), 0.1, metal)]
    if arm:
        parts.append(stage.limb(place, (0, 5.2, 0), (0, 5.2, arm), 0.08, metal))
    stage.canvas.draw("pole", parts)
    for w, high in ((0.25 * inwards, 3.3), (arm, 5.5))[: 2 if arm else 1]:
        stage.canvas.draw("traffic light", _signal(stage, place, w, high, lit))


def _signal(stage: Stage, place: Place, w: float, high: float, lit: int) -> list[Part]:
    parts = [_panel(stage, place, (w - 0.2, w + 0.2), (high - 1.1, high), (36, 40, 38))]
    for i, color in enumerate(LAMPS):
        center = np.array([w, high - 0.2 - 0.35 * i])
        glow = tint(color, 1.0 if i == lit else 0.25)
        disc = center + 0.14 * CIRCLE
        outline = stage.camera.project(place.world(_across(disc)))
        parts.append(Part(outline, glow, solid=False))  # a lamp shines in any light
    return parts


def draw_bollard(stage: Stage, place: Place) -> None:
    """Draw a short post."""
    color = stage.pick(METAL)
    parts = [stage.limb(place, (0, 0, 0), (0, 0.9, 0), 0.08, color)]
    band = stage.limb(place, (0, 0.75, 0), (0, 0.78, 0), 0.08, WHITE)
    stage.canvas.draw("pole", [*parts, band._replace(solid=False)])


def draw_bin(stage: Stage, place: Place) -> None:
    """Draw a litter bin or a switch cabinet; the data set calls such things static."""
    high, wide = stage.between(0.9, 1.5), stage.between(0.5, 1.3)
    stage.cast_shadow(place, 1.0, wide, 0.6)
    body = Prism(stage, place, box(-0.3, 0.3, 0, high), wide, stage.pick(BIN))
    stage.canvas.draw("static", body.parts + body.on_face(0, 0.1, 0.9, 0.7, 0.85, (40, 40, 42)))


def draw_pushchair(stage: Stage, place: Place) -> None:
    """Draw a pushchair; it moves and is neither a vehicle nor a human, so its class is dynamic."""
    color = stage.pick(((120, 40, 60), (50, 60, 90), (60, 60, 62)))
    parts = [stage.disc(place, (u, 0.18, 0), 0.18, (40, 40, 42)) for u in (-0.3, 0.35)]
    parts.append(stage.limb(place, (-0.2, 0.5, 0), (0.35, 0.55, 0), 0.2, color))
    parts.append(stage.limb(place, (0.2, 0.6, 0), (0.3, 0.85, 0), 0.18, color))
    parts.append(stage.limb(place, (-0.15, 0.45, 0), (-0.55, 1.0, 0), 0.03, (40, 40, 42)))
    stage.canvas.draw("dynamic", parts)


def _plate(stage: Stage, place: Place, height: float, size: float, layer: Layer) -> Part:
    """Return one layer of a sign; the first one, as large as the sign, makes its outline."""
    outline, share, color = layer
    across = outline * (size * share) + (0.0, height)
    part = stage.face(place.world(_across(across)), color)
    return part._replace(solid=share == 1.0)


def _panel(
    stage: Stage, place: Place, across: tuple[float, float], up: tuple[float, float], color: Color, solid: bool = True
) -> Part:
    corners = np.array([(across[0], up[0]), (across[1], up[0]), (across[1], up[1]), (across[0], up[1])])
    return stage.face(place.world(_across(corners)), color, solid=solid)


def _across(outline: Points) -> Points:
    """Turn (N, 2) meters to the right and up into local points a hand's breadth in front of the pole."""
    return np.column_stack([np.full(len(outline), -0.08), outline[:, 1], outline[:, 0]])


def _regular(corners: int, turn: float) -> Points:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False) + turn
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


_TRIANGLE, _SQUARE, _OCTAGON = _regular(3, math.pi / 2), _regular(4, math.pi / 4), _regular(8, math.pi / 8)
_BAR = np.array([(-0.7, -0.18), (0.7, -0.18), (0.7, 0.18), (-0.7, 0.18)])
SIGNS: tuple[tuple[Layer, ...], ...] = (
    ((CIRCLE, 1.0, RED), (CIRCLE, 0.72, WHITE), (_BAR, 0.6, (40, 40, 44))),
    ((CIRCLE, 1.0, RED), (_BAR, 0.95, WHITE)),
    ((CIRCLE, 1.0, BLUE), (_BAR[:, ::-1], 0.8, WHITE)),
    ((_TRIANGLE, 1.0, RED), (_TRIANGLE, 0.68, WHITE), (_BAR[:, ::-1], 0.35, (40, 40, 44))),
    ((-_TRIANGLE, 1.0, RED), (-_TRIANGLE, 0.65, WHITE)),
    ((_SQUARE, 1.0, BLUE), (_SQUARE, 0.6, WHITE)),
    ((_SQUARE, 1.0, YELLOW), (_SQUARE, 0.7, WHITE)),
    ((_OCTAGON, 1.0, RED), (_BAR, 0.9, WHITE)),
)
