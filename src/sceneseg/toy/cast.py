"""Cast of a toy scene: the segments of both sides, traffic, people and furniture, and where they appear.

Some classes are rare in any street, and a small toy set has to show them all the same. So the number of a scene
decides about one guest of each kind (`Guests`), which stands where little hides it; the rest is left to chance.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from sceneseg.toy import furniture, people, vehicles
from sceneseg.toy.sides import Segment, draw_segment, draw_tree
from sceneseg.toy.stage import Place, Stage
from sceneseg.toy.street import LANE, Street

Stretch = tuple[float, float, float]
"""A piece of lane that is taken: x of the lane, meters ahead of the near end and of the far end."""
NOWHERE: Stretch = (math.inf, 0.0, 0.0)

AWAY, APPROACHING, RIGHTWARDS = 0.0, math.pi, math.pi / 2
LARGE = {"truck": vehicles.draw_truck, "bus": vehicles.draw_bus, "train": vehicles.draw_train}


class Prop(NamedTuple):
    """Something that draws itself, and the distance at which its turn comes (the farthest first)."""

    depth: float
    draw: Callable[[Stage], None]


class Guests(NamedTuple):
    """Objects that a scene shows for certain: a large vehicle, two wheels with a rider, and an enclosure."""

    large: str
    ride: str
    enclosure: str


def guests(index: int) -> Guests:
    """Return the guests of scene `index`: each large vehicle every third time, the others every second."""
    return Guests(
        ("truck", "bus", "train")[index % 3],
        ("bicycle", "motorcycle")[index % 2],
        ("wall", "fence")[index // 2 % 2],
    )


def cast(rng: np.random.Generator, street: Street, invited: Guests) -> list[Prop]:
    """Return everything that stands in a street, in no particular order."""
    large, taken = _large(rng, street, invited.large)
    props = [p for side in (-1, 1) for p in _line(rng, street, side, invited.enclosure)]
    props += [large, *_traffic(rng, street, taken), *_parked(rng, street)]
    props += [_rider(rng, invited.ride), *_people(rng, street), *_two_wheelers(rng, street, invited.ride)]
    return props + _furniture(rng, street)


def _at(draw: Callable[[Stage, Place], None], x: float, z: float, heading: float = AWAY, reach: float = 0.0) -> Prop:
    """Return a prop that stands at x, z, its turn coming when all beyond its near end is drawn."""
    return Prop(z - reach, partial(_draw_if_seen, draw, Place(x, z, heading), reach + 3))


def _draw_if_seen(draw: Callable[[Stage, Place], None], place: Place, reach: float, stage: Stage) -> None:
    if stage.sees(place, reach):
        draw(stage, place)


def _in_sight(x: float, z: float) -> float:
    """Return the depth z, or the least depth at which something at x is within the image."""
    return max(z, 2.2 * abs(x))


def _line(rng: np.random.Generator, street: Street, side: int, enclosure: str) -> list[Prop]:
    """Line one side with segments; the enclosure is the first, where the edge of the image meets the side."""
    x, props = street.front(side), []
    near, gap = _in_sight(x, 0) * 0.55, (street.junction - 5, street.junction + 5)
    rest = 1 - street.built
    odds = (street.built, 0.4 * rest, 0.18 * rest, 0.22 * rest, 0.2 * rest)
    enclosure = enclosure if side == street.enclosed else ""
    while near < 120:
        kind = str(rng.choice(["building", "park", "wall", "fence", "hedge"], p=odds))
        length, setback = rng.uniform(8, 18) * (1 + near / 100), rng.uniform(0, 1.5)
        if enclosure:
            kind, length, setback, enclosure = enclosure, rng.uniform(18, 28), 0.0, ""
        if gap[0] - 3 < near < gap[1]:
            near = gap[1]
        far = min(near + length, gap[0]) if near < gap[0] else near + length
        segment = Segment(kind, side, x + side * setback, near, far)
        props.append(Prop(far, partial(draw_segment, segment=segment)))
        near = far
    return props


def _large(rng: np.random.Generator, street: Street, kind: str) -> tuple[Prop, Stretch]:
    """Place the large vehicle in a lane or across the junction."""
    draw, half = LARGE[kind], 11.0 if kind == "train" else 5.5
    if street.junction and (street.tracks == "across" or (kind != "train" and rng.random() < 0.4)):
        z = street.junction + (0.0 if kind == "train" else rng.choice([-1.7, 1.7]))
        heading = RIGHTWARDS * rng.choice([-1, 1])
        return _at(draw, rng.uniform(-5, 5), z, heading, 1.3), NOWHERE
    oncoming = kind == "train" or rng.random() < 0.5
    x, heading = (-LANE, APPROACHING) if oncoming else (0.0, AWAY)
    z = rng.uniform(9, 20) + half
    return _at(draw, x + rng.uniform(-0.2, 0.2), z, heading, half), (x, z - half, z + half)


def _traffic(rng: np.random.Generator, street: Street, taken: Stretch) -> list[Prop]:
    """Fill the lanes with moving cars and now and then something larger."""
    props = []
    for lane in range(-street.lanes_left, street.lanes_right):
        x, z = lane * LANE, rng.uniform(9, 26)
        while z < 80:
            far = z > 30 and rng.random() < 0.2
            draw = (vehicles.draw_truck, vehicles.draw_bus)[rng.integers(2)] if far else vehicles.draw_car
            half = 5.5 if far else 2.2
            free = x != taken[0] or z + half < taken[1] - 1 or z - half > taken[2] + 1
            if free and abs(z - street.junction) > half + 4:
                heading = (APPROACHING if lane < 0 else AWAY) + rng.normal(0, 0.04)
                props.append(_at(draw, x + rng.uniform(-0.3, 0.3), z, heading, half))
            z += 2 * half + 3 + rng.exponential(12)
    return props


def _parked(rng: np.random.Generator, street: Street) -> list[Prop]:
    """Park cars in the strips along the curbs; far ones become one group."""
    props = []
    for side, width in zip((-1, 1), street.parking, strict=True):
        x = street.curb(side) - side * width / 2
        heading = AWAY if side > 0 or rng.random() < 0.5 else APPROACHING
        for z in np.arange(rng.uniform(6, 10), 46, 5.8) if width else ():
            if rng.random() < 0.72 and abs(z - street.junction) > 7 and abs(z - street.crossing) > 4:
                props.append(_at(vehicles.draw_car, x, z, heading + rng.normal(0, 0.03), 2.2))
        if width and rng.random() < 0.6:
            row = partial(vehicles.draw_car_row, count=int(rng.integers(3, 6)))
            props.append(_at(row, x, 52, heading, 2.2))
    return props


def _rider(rng: np.random.Generator, ride: str) -> Prop:
    """Place the guest on two wheels near the camera: ahead, approaching, or crossing."""
    draw = people.draw_motorcyclist if ride == "motorcycle" else people.draw_cyclist
    way = rng.integers(3)
    if way == 0:
        return _at(draw, rng.uniform(0.6, 1.6), rng.uniform(7.5, 14), rng.normal(0, 0.25))
    if way == 1:
        return _at(draw, rng.uniform(-2.6, -1.6), rng.uniform(8, 15), APPROACHING + rng.normal(0, 0.25))
    return _at(draw, rng.uniform(-2, 2), rng.uniform(8, 15), RIGHTWARDS * rng.choice([-1, 1]) + rng.normal(0, 0.3))


def _people(rng: np.random.Generator, street: Street) -> list[Prop]:
    """Place people on the sidewalks and the zebra crossing, and more riders."""
    props = []
    for _ in range(rng.integers(4, 11)):
        side = int(rng.choice([-1, 1]))
        x = street.front(side) - side * rng.uniform(0.3, street.sidewalk[(side + 1) // 2])
        heading = rng.choice([AWAY, APPROACHING]) + rng.normal(0, 0.4)
        z = _in_sight(x, rng.uniform(7, 24)) + rng.exponential(4)
        props.append(_at(people.draw_person, x, z, heading))
        if rng.random() < 0.3:
            props.append(_at(people.draw_person, x + rng.uniform(0.5, 0.7), z + 0.2, heading))
        elif rng.random() < 0.08:
            props.append(_at(furniture.draw_pushchair, x, z - 0.8, heading))
    for _ in range(rng.integers(1, 4) if street.crossing else rng.integers(0, 2)):
        x, z = rng.uniform(street.left, street.right), (street.crossing or rng.uniform(9, 16)) + rng.uniform(0.5, 2.5)
        props.append(_at(people.draw_person, x, z, RIGHTWARDS * rng.choice([-1, 1])))
    for draw in (people.draw_cyclist, people.draw_motorcyclist):
        if rng.random() < 0.35:
            props.append(_at(draw, LANE / 2 + rng.uniform(-0.6, 0.2), rng.uniform(14, 28), rng.normal(0, 0.2)))
    return props


def _two_wheelers(rng: np.random.Generator, street: Street, ride: str) -> list[Prop]:
    """Leave bicycles and motorcycles at the curbs; the kind that nobody rides today more often."""
    props = []
    for kind, draw in (("bicycle", people.draw_bicycle), ("motorcycle", people.draw_motorcycle)):
        if rng.random() < (0.35 if kind == ride else 0.65):
            side = int(rng.choice([-1, 1]))
            x = street.curb(side) + side * rng.uniform(0.7, 1.2)
            z, heading = _in_sight(x, rng.uniform(8, 18)), rng.uniform(0.5, 2.6)
            for i in range(rng.integers(1, 4)):
                props.append(_at(draw, x, z + 1.1 * i, heading + rng.normal(0, 0.1)))
    if rng.random() < 0.2:
        x = street.front(1) - 0.8
        stand = partial(people.draw_bicycle_stand, count=int(rng.integers(3, 7)))
        props.append(_at(stand, x, _in_sight(x, 14), RIGHTWARDS))
    return props


def _furniture(rng: np.random.Generator, street: Street) -> list[Prop]:
    """Put up lamps, signs, signals, bins, bollards and street trees along the curbs."""
    props = []
    for side in (-1, 1):
        x = street.curb(side) + side * 0.5
        lamp = rng.uniform(8, 30)
        props += [_at(furniture.draw_lamp, x, z) for z in np.arange(lamp, 100, 24) if rng.random() < 0.8]
        for draw, most in ((furniture.draw_sign, 3), (furniture.draw_bin, 2)):
            props += [_at(draw, x, _in_sight(x, rng.uniform(8, 34))) for _ in range(rng.integers(0, most))]
        if rng.random() < 0.15:
            props.append(_at(furniture.draw_board, x + side * 0.6, _in_sight(x, rng.uniform(13, 30))))
        if rng.random() < 0.6:
            z = street.crossing or max(street.junction - 5.5, rng.uniform(12, 18))
            props.append(_at(furniture.draw_traffic_light, x, _in_sight(x, z)))
        if rng.random() < 0.2:
            props += [_at(furniture.draw_bollard, x, z) for z in np.arange(8, 30, 2.5)]
        if rng.random() < 0.4:
            trees = np.arange(rng.uniform(14, 26), 90, rng.uniform(9, 14))
            props += [_at(draw_tree, x + side * 0.3, z) for z in trees if abs(z - street.junction) > 5]
    return props
