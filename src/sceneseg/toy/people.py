"""Persons, riders, bicycles and motorcycles: rounded strokes between joints."""

import math
from itertools import pairwise

import numpy as np

from sceneseg.toy.canvas import Color, Part
from sceneseg.toy.stage import Place, Stage, Vector

SKIN: tuple[Color, ...] = ((222, 178, 150), (190, 140, 110), (124, 86, 66), (236, 198, 172))
HAIR: tuple[Color, ...] = ((44, 34, 28), (94, 66, 44), (170, 134, 84), (120, 118, 116))
CLOTHES: tuple[Color, ...] = (
    (46, 52, 70),
    (34, 34, 38),
    (142, 48, 46),
    (196, 190, 178),
    (72, 98, 130),
    (94, 108, 74),
    (152, 118, 74),
    (112, 112, 118),
    (196, 164, 70),
    (112, 70, 110),
)
LEATHER: tuple[Color, ...] = ((34, 34, 40), (52, 44, 42), (40, 48, 70), (150, 36, 34))
VEST: tuple[Color, ...] = ((198, 204, 62), (232, 124, 44), (60, 150, 160), (112, 112, 118))
FRAME: tuple[Color, ...] = ((150, 40, 40), (40, 44, 48), (60, 90, 140), (180, 182, 180), (70, 110, 80))
RUBBER: Color = (34, 34, 36)
CHROME: Color = (112, 114, 118)


def draw_person(stage: Stage, place: Place) -> None:
    """Draw somebody who stands or walks; one in six is a child."""
    size = stage.between(0.6, 0.75) if stage.happens(1 / 6) else stage.between(0.92, 1.08)
    stride = stage.between(-0.38, 0.38) if stage.happens(0.75) else 0.05
    stage.cast_shadow(place, 0.7, 0.6, 0.6)
    coat, trousers, skin = stage.pick(CLOTHES), stage.pick(CLOTHES), stage.pick(SKIN)

    def limb(start: Vector, end: Vector, radius: float, color: Color) -> Part:
        scaled = tuple((u * size, v * size, w * size) for u, v, w in (start, end))
        return stage.limb(place, scaled[0], scaled[1], radius * size, color)

    parts = []
    for side, swing in ((0.1, stride), (-0.1, -stride)):
        parts.append(limb((0, 0.9, side), (swing * 0.4, 0.48, side), 0.085, trousers))
        parts.append(limb((swing * 0.4, 0.48, side), (swing, 0.06, side), 0.07, trousers))
        parts.append(limb((swing, 0.05, side), (swing + 0.12, 0.05, side), 0.06, (40, 36, 34)))
    if stage.happens(0.25):
        parts.append(limb((-0.22, 1.0, 0), (-0.2, 1.3, 0), 0.15, stage.pick(CLOTHES)))  # a rucksack
    if stage.happens(0.3):
        parts.append(limb((0, 0.85, 0), (0, 0.6, 0), 0.19, coat))  # a skirt or long coat
    for side in (0.1, -0.1):
        parts.append(limb((0, 1.36, side), (0, 0.95, side * 0.8), 0.13, coat))
    for side, swing in ((0.23, -stride), (-0.23, stride)):
        parts.append(limb((0, 1.38, side), (swing * 0.3, 1.1, side * 1.15), 0.06, coat))
        parts.append(limb((swing * 0.3, 1.1, side * 1.15), (swing * 0.8, 0.88, side * 1.1), 0.05, coat))
    parts += head(stage, place, (0.02, 1.6 * size, 0.0), size, stage.pick(HAIR), skin)
    stage.canvas.draw("person", parts)


def head(stage: Stage, place: Place, at: Vector, size: float, cover: Color, skin: Color) -> list[Part]:
    """Return neck and head under hair or a helmet; from behind one sees no face."""
    u, v, w = at
    seen = abs(math.remainder(place.heading, 2 * math.pi)) > math.pi / 3
    parts = [stage.limb(place, (u, v - 0.2 * size, w), at, 0.06 * size, skin)]
    parts.append(stage.limb(place, at, (u, v + 0.05 * size, w), 0.105 * size, skin if seen else cover))
    parts.append(stage.limb(place, (u - 0.03, v + 0.09 * size, w), (u, v + 0.1 * size, w), 0.1 * size, cover))
    return parts


def draw_bicycle(stage: Stage, place: Place) -> None:
    """Draw a bicycle; one looks through frame and spokes, but they belong to it."""
    stage.cast_shadow(place, 1.7, 0.5, 0.65)
    stage.canvas.draw("bicycle", bicycle(stage, place))


def draw_bicycle_stand(stage: Stage, place: Place, count: int) -> None:
    """Draw bicycles that lean on each other: one outline, annotated as a group."""
    places = [Place(place.x, place.z + 0.45 * i, place.heading) for i in reversed(range(count))]
    stage.canvas.draw("bicyclegroup", [part for one in places for part in bicycle(stage, one)])


def bicycle(stage: Stage, place: Place) -> list[Part]:
    """Return the parts of a bicycle."""
    color = stage.pick(FRAME)
    hub_rear, hub_front, crank = (-0.53, 0.34, 0.0), (0.55, 0.34, 0.0), (-0.08, 0.3, 0.0)
    saddle, neck, bar = (-0.22, 0.9, 0.0), (0.36, 0.82, 0.0), (0.34, 1.02, 0.0)
    parts = [stage.disc(place, hub, 0.34, None) for hub in (hub_rear, hub_front)]
    parts.append(stage.limb(place, crank, (0.05, 0.75, 0.0), 0.2, None))
    parts += wheel(stage, place, hub_rear, 0.34, 0.028) + wheel(stage, place, hub_front, 0.34, 0.028)
    tubes = ((hub_rear, crank), (crank, saddle), (crank, neck), (saddle, neck), (hub_rear, saddle), (hub_front, neck))
    parts += [stage.limb(place, a, b, 0.026, color) for a, b in (*tubes, (neck, bar))]
    parts.append(stage.limb(place, (0.3, 1.02, -0.28), (0.3, 1.02, 0.28), 0.028, RUBBER))
    parts.append(stage.limb(place, (-0.34, 0.94, 0), (-0.1, 0.93, 0), 0.05, RUBBER))
    return parts


def draw_motorcycle(stage: Stage, place: Place) -> None:
    """Draw a motorcycle or scooter."""
    stage.cast_shadow(place, 2.0, 0.8, 0.55)
    stage.canvas.draw("motorcycle", motorcycle(stage, place))


def motorcycle(stage: Stage, place: Place) -> list[Part]:
    """Return the parts of a motorcycle: like a bicycle, but thick and closed."""
    color = stage.pick(FRAME)
    hub_rear, hub_front = (-0.68, 0.32, 0.0), (0.72, 0.32, 0.0)
    parts = [stage.disc(place, hub, 0.32, (58, 58, 60)) for hub in (hub_rear, hub_front)]
    parts += wheel(stage, place, hub_rear, 0.29, 0.08) + wheel(stage, place, hub_front, 0.29, 0.07)
    parts.append(stage.limb(place, (-0.35, 0.42, 0), (0.3, 0.42, 0), 0.2, CHROME))
    parts.append(stage.limb(place, (-0.75, 0.72, 0), (-0.2, 0.68, 0), 0.13, color))
    parts.append(stage.limb(place, (0.0, 0.8, 0), (0.3, 0.82, 0), 0.17, color))
    parts.append(stage.limb(place, (-0.7, 0.82, 0), (-0.1, 0.8, 0), 0.08, RUBBER))
    parts.append(stage.limb(place, hub_front, (0.42, 0.95, 0), 0.06, CHROME))
    parts.append(stage.limb(place, (0.5, 0.85, 0), (0.56, 0.95, 0), 0.14, color))
    parts.append(stage.limb(place, (0.36, 1.05, -0.36), (0.36, 1.05, 0.36), 0.035, RUBBER))
    light = (250, 246, 220) if abs(place.heading) > math.pi / 2 else (196, 30, 26)
    end = 0.62 if abs(place.heading) > math.pi / 2 else -0.85
    parts.append(stage.limb(place, (end, 0.84, 0), (end, 0.85, 0), 0.08, light))
    return parts


def wheel(stage: Stage, place: Place, hub: Vector, radius: float, thickness: float) -> list[Part]:
    """Return a tire as a ring of strokes, so that it keeps its thickness when seen from behind."""
    turn = np.linspace(0, 2 * math.pi, 11)
    rim = [(hub[0] + radius * math.cos(a), hub[1] + radius * math.sin(a), 0.0) for a in turn]
    return [stage.limb(place, a, b, thickness, RUBBER) for a, b in pairwise(rim)]


def draw_cyclist(stage: Stage, place: Place) -> None:
    """Draw a rider on a bicycle."""
    draw_bicycle(stage, place)
    _draw_rider(stage, place, saddle=(-0.2, 0.98), grip=(0.32, 1.04), pedal=(0.02, 0.3), lean=0.2)


def draw_motorcyclist(stage: Stage, place: Place) -> None:
    """Draw a rider on a motorcycle."""
    draw_motorcycle(stage, place)
    _draw_rider(stage, place, saddle=(-0.3, 0.92), grip=(0.36, 1.08), pedal=(0.05, 0.36), lean=0.12, helmet=True)


def _draw_rider(
    stage: Stage,
    place: Place,
    saddle: tuple[float, float],
    grip: tuple[float, float],
    pedal: tuple[float, float],
    lean: float,
    helmet: bool = False,
) -> None:
    typical = LEATHER if helmet else VEST
    coat = stage.pick(typical if stage.happens(0.7) else CLOTHES)
    trousers, skin = stage.pick(LEATHER if helmet else CLOTHES), stage.pick(SKIN)
    cover = stage.pick(FRAME) if helmet or stage.happens(0.5) else stage.pick(HAIR)
    chest = (saddle[0] + lean, saddle[1] + 0.5)
    kick = stage.between(-0.12, 0.12)
    parts = []
    for side, turn in ((0.11, kick), (-0.11, -kick)):
        knee = (saddle[0] + 0.4, saddle[1] - 0.18 + turn, side * 1.3)
        parts.append(stage.limb(place, (*saddle, side), knee, 0.09, trousers))
        parts.append(stage.limb(place, knee, (pedal[0], pedal[1] + turn, side), 0.07, trousers))
        parts.append(stage.limb(place, (*pedal, side), (pedal[0] + 0.14, pedal[1], side), 0.06, RUBBER))
    for side in (0.1, -0.1):
        parts.append(stage.limb(place, (*chest, side), (*saddle, side * 0.9), 0.14, coat))
    for side in (0.24, -0.24):
        elbow = ((chest[0] + grip[0]) / 2, chest[1] - 0.28, side * 1.3)
        parts.append(stage.limb(place, (*chest, side * 0.9), elbow, 0.065, coat))
        parts.append(stage.limb(place, elbow, (*grip, side), 0.05, coat))
    parts += head(stage, place, (chest[0] + 0.08, chest[1] + 0.24, 0.0), 1.15 if helmet else 1.0, cover, skin)
    stage.canvas.draw("rider", parts)
