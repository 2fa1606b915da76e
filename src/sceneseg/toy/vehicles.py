"""Cars, trucks, buses and trains: prisms with windows, wheels and lights."""

import math

import numpy as np

from sceneseg.toy.canvas import Color, Part, tint
from sceneseg.toy.solids import Prism, box, rectangle
from sceneseg.toy.stage import Place, Stage

CAR_PAINT: tuple[Color, ...] = (
    (222, 222, 220),
    (40, 42, 46),
    (132, 136, 140),
    (182, 184, 186),
    (150, 36, 34),
    (44, 66, 120),
    (92, 96, 104),
)
ANY_PAINT: tuple[Color, ...] = ((216, 214, 206), (54, 88, 140), (160, 164, 168))
"""Every kind of large vehicle comes in these too, so that color hints at the kind and shape has to decide."""
LORRY_PAINT: tuple[Color, ...] = 3 * ((78, 118, 92), (186, 168, 134), (66, 128, 112)) + ANY_PAINT
BUS_PAINT: tuple[Color, ...] = 3 * ((226, 182, 52), (222, 152, 48), (214, 178, 88)) + ANY_PAINT
TRAM_PAINT: tuple[Color, ...] = 3 * ((190, 44, 40), (164, 38, 46), (204, 70, 52)) + ANY_PAINT
PANE: Color = (46, 54, 62)
REAR_LIGHT: Color = (200, 30, 26)
HEADLIGHT: Color = (244, 240, 214)
PLATE: Color = (228, 226, 214)

# Forward and up in meters; faces: 0 bumper, 1 trunk, 2 lid, 3 rear window, 4 roof, 5 windshield, 6 hood, 7 front.
SEDAN = ((-2.2, 0.28), (-2.22, 0.7), (-2.1, 0.98), (-1.6, 1.02), (-0.95, 1.43), (0.35, 1.43), (1.1, 0.98), (2.1, 0.78))
HATCH = ((-1.9, 0.28), (-1.95, 0.7), (-1.9, 0.9), (-1.85, 1.0), (-1.4, 1.46), (0.3, 1.48), (1.05, 1.0), (1.85, 0.82))
VAN = ((-2.3, 0.3), (-2.32, 0.7), (-2.32, 0.9), (-2.3, 1.05), (-2.1, 1.95), (0.9, 1.95), (1.6, 1.1), (2.25, 0.95))
BODIES = tuple(np.array([*body, (body[-1][0] + 0.1, 0.28)]) for body in (SEDAN, HATCH, VAN))


def draw_car(stage: Stage, place: Place) -> None:
    """Draw a saloon, a hatchback or a van."""
    stage.cast_shadow(place, 4.4, 1.9)
    stage.canvas.draw("car", car(stage, place))


def draw_car_row(stage: Stage, place: Place, count: int) -> None:
    """Draw parked cars too far away to separate: one outline, annotated as a group."""
    places = [Place(place.x, place.z + 5.6 * i, place.heading) for i in reversed(range(count))]
    stage.canvas.draw("cargroup", [part for one in places for part in car(stage, one)])


def car(stage: Stage, place: Place) -> list[Part]:
    """Return the parts of a car."""
    profile = BODIES[stage.rng.choice(len(BODIES), p=(0.4, 0.4, 0.2))] * stage.rng.uniform(0.94, 1.06, 2)
    body = Prism(stage, place, profile, stage.between(1.72, 1.88), stage.pick(CAR_PAINT))
    u, v = profile[:, 0], profile[:, 1]
    away = abs(place.heading) < math.pi / 2
    parts = body.tires(u[0] + 0.4 if away else u[-1] - 0.4, 0.4) + body.parts
    parts += body.on_face(3, 0.08, 0.92, 0.08, 0.92, PANE) + body.on_face(5, 0.06, 0.94, 0.06, 0.94, PANE)
    sill = max(v[3], v[6]) + 0.04
    parts += body.on_flank([(u[3] + 0.3, sill), (u[4] + 0.12, v[4] - 0.1), (-0.45, v[4] - 0.1), (-0.45, sill)], PANE)
    parts += body.on_flank([(-0.35, sill), (-0.35, v[5] - 0.1), (u[5] - 0.05, v[5] - 0.1), (u[6] - 0.3, sill)], PANE)
    parts += body.on_flank(rectangle(-0.42, -0.39, 0.35, sill), (30, 30, 32))
    for left, right in ((0.03, 0.2), (0.8, 0.97)):
        parts += body.on_face(1, left, right, 0.0, 0.7, REAR_LIGHT)
        parts += body.on_face(7, left, right, 0.05, 0.4, HEADLIGHT)
    parts += body.on_face(0, 0.35, 0.65, 0.5, 0.85, PLATE) + body.on_face(0, 0.0, 1.0, 0.0, 0.35, (52, 52, 54))
    parts += body.on_face(7, 0.28, 0.72, 0.2, 0.5, (40, 40, 42)) + body.on_face(7, 0.38, 0.62, 0.55, 0.75, PLATE)
    return parts + body.wheels((u[0] + 0.8, u[-1] - 0.85), 0.33)


def draw_truck(stage: Stage, place: Place) -> None:
    """Draw a lorry: a cab and a container, or a tipper's open body."""
    length, high = stage.between(6.5, 9.5), stage.between(2.9, 3.6)
    rear, front = -length / 2, length / 2
    stage.cast_shadow(place, length, 2.6)
    cab_profile = [(front - 2.0, 0.5), (front - 2.0, 2.7), (front - 0.5, 2.75), (front, 1.5), (front, 0.5)]
    cab = Prism(stage, place, cab_profile, 2.35, stage.pick(LORRY_PAINT))
    open_top = stage.happens(0.3)
    load_height = 2.3 if open_top else high
    load = Prism(stage, place, box(rear, front - 2.15, 1.0, load_height), 2.5, stage.pick(LORRY_PAINT))
    frame = Prism(stage, place, box(rear + 0.1, front - 0.4, 0.5, 1.0), 2.2, (44, 44, 46))
    cab_parts = cab.parts + cab.on_face(2, 0.06, 0.94, 0.08, 0.92, PANE)
    cab_parts += cab.on_flank(rectangle(front - 1.5, front - 0.55, 1.6, 2.4), PANE)
    for left, right in ((0.06, 0.22), (0.78, 0.94)):
        cab_parts += cab.on_face(3, left, right, 0.6, 0.8, HEADLIGHT)
    cab_parts += cab.on_face(3, 0.25, 0.75, 0.2, 0.55, (50, 50, 52))
    load_parts = load.parts + _dress_load(stage, load, rear, front - 2.15, load_height)
    away = abs(place.heading) < math.pi / 2
    parts = frame.tires(rear + 0.8 if away else front - 0.8, 0.95) + frame.parts
    parts += cab_parts + load_parts if away else load_parts + cab_parts
    for left, right in ((0.0, 0.14), (0.86, 1.0)):
        parts += frame.on_face(0, left, right, 0.2, 0.8, REAR_LIGHT)
    stage.canvas.draw("truck", parts + cab.wheels((rear + 1.0, rear + 2.1, front - 1.1), 0.5))


def _dress_load(stage: Stage, load: Prism, rear: float, front: float, high: float) -> list[Part]:
    """Return ribs or a company's stripe on the flank, and the doors at the rear."""
    dark = tint(load.color, 0.8)
    parts = []
    if stage.happens(0.5):
        for u in np.arange(rear + 0.6, front, 0.7):
            parts += load.on_flank(rectangle(u, u + 0.08, 1.05, high - 0.05), dark)
    else:
        parts += load.on_flank(rectangle(rear + 1, front - 1, 1.6, min(2.4, high - 0.2)), stage.pick(LORRY_PAINT))
    for left in (0.03, 0.49, 0.95):
        parts += load.on_face(0, left, left + 0.025, 0.03, 0.97, dark)
    return parts


def draw_bus(stage: Stage, place: Place) -> None:
    """Draw a city bus: a long box with a band of windows, a big windshield and its line number."""
    length, high = stage.between(10, 12.5), stage.between(2.95, 3.2)
    rear, front = -length / 2, length / 2
    stage.cast_shadow(place, length, 2.7)
    profile = [(rear, 0.35), (rear, high - 0.2), (rear + 0.3, high), (front - 0.3, high), (front, 1.1), (front, 0.35)]
    body = Prism(stage, place, profile, 2.5, stage.pick(BUS_PAINT))
    parts = body.tires(rear + 1 if abs(place.heading) < math.pi / 2 else front - 1, 0.6) + body.parts
    parts += body.on_flank(rectangle(rear + 0.3, front - 0.4, 1.35, high - 0.55), PANE)
    for u in np.arange(rear + 1.6, front - 1, 1.5):
        parts += body.on_flank(rectangle(u, u + 0.1, 1.35, high - 0.55), body.color)
    for u in (rear + 3.2, front - 2.4):
        parts += body.on_flank(rectangle(u, u + 1.2, 0.45, high - 0.5), (70, 78, 86))
    parts += body.on_flank(rectangle(rear, front, 0.5, 0.9), stage.pick(BUS_PAINT))
    parts += body.on_face(3, 0.05, 0.95, 0.24, 0.98, PANE) + body.on_face(3, 0.2, 0.8, 0.04, 0.2, (30, 26, 22))
    parts += body.on_face(3, 0.3, 0.7, 0.08, 0.17, (238, 160, 50))
    parts += body.on_face(0, 0.1, 0.9, 0.5, 0.86, PANE) + body.on_face(0, 0.3, 0.5, 0.9, 0.98, (238, 160, 50))
    for left, right in ((0.03, 0.15), (0.85, 0.97)):
        parts += body.on_face(0, left, right, 0.2, 0.36, REAR_LIGHT)
        parts += body.on_face(4, left, right, 0.4, 0.7, HEADLIGHT)
    stage.canvas.draw("bus", parts + body.wheels((rear + 2.6, front - 2.2), 0.48))


def draw_train(stage: Stage, place: Place, coaches: int = 2) -> None:
    """Draw a tram of coupled coaches with skirts down to the rails and a pantograph; all of it is one train."""
    length, high, color = stage.between(8.5, 11), stage.between(3.2, 3.5), stage.pick(TRAM_PAINT)
    band = stage.pick(TRAM_PAINT)
    stage.cast_shadow(place, length * coaches, 2.8)
    offsets = [(i - (coaches - 1) / 2) * (length + 0.3) for i in range(coaches)]
    depths = [float(place.world([u, 0.0, 0.0])[2]) for u in offsets]
    parts: list[Part] = []
    for i in np.argsort(depths)[::-1]:
        parts += _coach(stage, place, (offsets[i] - length / 2, offsets[i] + length / 2), high, (color, band))
    parts.append(stage.limb(place, (0, high, 0), (0.7, high + 0.5, 0), 0.05, (50, 50, 52)))
    parts.append(stage.limb(place, (0.7, high + 0.5, 0), (0, high + 1.0, 0), 0.05, (50, 50, 52)))
    parts.append(stage.limb(place, (0, high + 1.0, -0.8), (0, high + 1.0, 0.8), 0.05, (50, 50, 52)))
    stage.canvas.draw("train", parts)


def _coach(
    stage: Stage, place: Place, span: tuple[float, float], high: float, colors: tuple[Color, Color]
) -> list[Part]:
    rear, front = span
    joint = Prism(stage, place, box(rear - 0.3, front + 0.3, 0.5, high - 0.3), 2.2, (44, 44, 48))
    profile = [(rear, 0.2), (rear, 1.3), (rear + 0.3, high), (front - 0.3, high), (front, 1.3), (front, 0.2)]
    body = Prism(stage, place, profile, 2.55, colors[0])
    parts = joint.parts + body.parts
    parts += body.on_flank(rectangle(rear, front, 0.25, 0.85), colors[1])
    parts += body.on_flank(rectangle(rear + 0.5, front - 0.5, 1.35, high - 0.6), PANE)
    for u in np.arange(rear + 1.4, front - 0.8, 2.0):
        parts += body.on_flank(rectangle(u, u + 0.12, 1.35, high - 0.6), body.color)
    parts += body.on_face(1, 0.12, 0.88, 0.05, 0.75, PANE) + body.on_face(3, 0.12, 0.88, 0.25, 0.95, PANE)
    for left, right in ((0.12, 0.3), (0.7, 0.88)):
        parts += body.on_face(0, left, right, 0.6, 0.8, REAR_LIGHT) + body.on_face(4, left, right, 0.2, 0.4, HEADLIGHT)
    return parts
