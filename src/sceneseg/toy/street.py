"""The plan of a street, its sky and its ground."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.toy.canvas import ROW, Color, Part, tint
from sceneseg.toy.stage import CIRCLE, UP, Points, Stage

LANE = 3.5
"""Meters from one lane to the next; the camera drives in the lane whose middle is x = 0."""
FAR = 140.0
"""Meters to where the ground ends."""

ASPHALT: tuple[Color, ...] = ((102, 101, 104), (88, 88, 92), (118, 115, 112))
PAVING: tuple[Color, ...] = ((168, 148, 124), (158, 134, 118), (178, 160, 138), (140, 134, 130))
GRASS: tuple[Color, ...] = ((118, 142, 66), (134, 146, 74), (106, 134, 62), (148, 142, 84))


@dataclass(frozen=True)
class Street:
    """Layout across the street; x in meters, the left side is negative.

    Args:
        left: The left curb.
        right: The right curb.
        lanes_left: Lanes of oncoming traffic.
        lanes_right: Lanes of our own direction.
        parking: Width of the parking strip inside each curb (left, right), 0 without.
        verge: Width of the grass between curb and sidewalk (left, right).
        sidewalk: Width of the sidewalks (left, right).
        junction: How far ahead another street crosses; 0 when none does.
        tracks: What rails there are: "", "along" in the nearest oncoming lane, or "across" at the junction.
        crossing: How far ahead a zebra crossing lies; 0 when there is none.
        enclosed: The side (-1 or 1) on which a wall or fence stands near the camera.
        built: Share of the sides that is built up: about 0.6 in town, 0.3 in a suburb.
    """

    left: float
    right: float
    lanes_left: int
    lanes_right: int
    parking: tuple[float, float]
    verge: tuple[float, float]
    sidewalk: tuple[float, float]
    junction: float
    tracks: str
    crossing: float
    enclosed: int
    built: float

    def curb(self, side: int) -> float:
        """Return x of the curb on the left (-1) or right (1)."""
        return self.right if side > 0 else self.left

    def front(self, side: int) -> float:
        """Return x of the line where the sidewalk ends and houses begin."""
        i = (side + 1) // 2
        return self.curb(side) + side * (self.verge[i] + self.sidewalk[i])


def plan_street(rng: np.random.Generator, tracks: str) -> Street:
    """Draw lots for everything that lies across a street."""
    lanes_left, lanes_right = (int(n) for n in rng.choice([1, 1, 2], 2))
    enclosed = 1 if rng.random() < 0.65 else -1
    parking = [2.3 * float(rng.random() < (0.15 if side == enclosed else 0.6)) for side in (-1, 1)]
    return Street(
        left=-LANE * (lanes_left + 0.5) - parking[0],
        right=LANE * (lanes_right - 0.5) + parking[1],
        lanes_left=lanes_left,
        lanes_right=lanes_right,
        parking=(parking[0], parking[1]),
        verge=(_verge(rng), _verge(rng)),
        sidewalk=(float(rng.uniform(2.0, 4.5)), float(rng.uniform(2.0, 4.5))),
        junction=float(rng.uniform(20, 34)) if tracks == "across" or rng.random() < 0.4 else 0.0,
        tracks=tracks,
        crossing=float(rng.uniform(9, 17)) if rng.random() < 0.35 else 0.0,
        enclosed=enclosed,
        built=float(rng.choice([0.6, 0.3])),
    )


def _verge(rng: np.random.Generator) -> float:
    return float(rng.uniform(1.2, 3.0)) if rng.random() < 0.45 else 0.0


def draw_sky(stage: Stage) -> None:
    """Paint a gradient with clouds over the whole image, brighter towards the sun."""
    height, width = stage.canvas.size
    frame = np.array([(0.0, 0.0), (width, 0), (width, height), (0, height)])
    stage.canvas.draw("sky", [Part(frame, stage.light.haze)])
    rows = min(height, int(stage.camera.vanishing[1]) + 2)
    up = (1 - np.linspace(0, 1, rows, dtype=np.float32))[:, None, None]
    haze = np.array(stage.light.haze, np.float32)
    blue = stage.between(0.5, 1.0)
    zenith = haze * np.array([blue, (1 + blue) / 2, 1.02], np.float32)
    veils = cv2.resize(clouds(stage.rng, (rows, width // 3), (4, 9)), (width, rows))  # clouds are wider than high
    cover = np.clip((veils - stage.between(0.35, 0.8)) * 3, 0, 1)[..., None]
    glow = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] * stage.light.sun[0] * 18
    sky = haze + (zenith - haze) * up + glow
    cloud = haze * 0.25 + 0.75 * stage.between(205, 250)
    stage.canvas.image[:rows] = np.clip(sky + (cloud - sky) * cover * 0.8, 0, 255)


def draw_ground(stage: Stage, street: Street) -> None:
    """Draw grass, sidewalks, road, tracks and what is painted on them, then give all of it a grain."""
    stage.canvas.draw("terrain", [stage.face(strip(-90, 90, 0.5, FAR), stage.pick(GRASS), UP)])
    asphalt = stage.pick(ASPHALT)
    for side, verge, sidewalk in zip((-1, 1), street.verge, street.sidewalk, strict=True):
        _draw_sidewalk(stage, street.curb(side), side, verge, sidewalk)
    stage.canvas.draw("road", [stage.face(strip(street.left, street.right, 0.5, FAR), asphalt, UP)])
    for side, width in zip((-1, 1), street.parking, strict=True):
        curb, color = street.curb(side), tint(asphalt, 0.89)
        if width and stage.happens(0.5):
            stage.canvas.draw("parking", [stage.face(strip(curb - side * width, curb, 0.5, FAR), color, UP)])
    if street.junction:
        near, far = street.junction - 3.5, street.junction + 3.5
        stage.canvas.draw("road", [stage.face(ground(-60, 60, near, far), asphalt, UP)])
    _draw_tracks(stage, street)
    _wear(stage, street)
    _mark(stage, street)
    _grain(stage)
    _cast_shade(stage, street)


def _draw_sidewalk(stage: Stage, curb: float, side: int, verge: float, width: float) -> None:
    paving = stage.pick(PAVING)
    inner, outer = curb + side * verge, curb + side * (verge + width)
    if verge:
        stage.canvas.draw("terrain", [stage.face(strip(curb, inner, 0.5, FAR), stage.pick(GRASS), UP)])
    stage.canvas.draw("sidewalk", [stage.face(strip(inner, outer, 0.5, FAR), paving, UP)])
    stage.canvas.draw("sidewalk", [stage.face(strip(curb, curb + side * 0.25, 0.5, FAR), (178, 174, 168), UP)])
    stage.paint(strip(curb - side * 0.12, curb, 0.5, FAR)[None], (70, 68, 66))
    joints = np.arange(3.0, 40.0, stage.between(0.8, 1.6))
    lines = np.stack([ground(inner, outer, z, z + 0.04) for z in joints])
    stage.paint(lines, tint(paving, 0.8))


def _draw_tracks(stage: Stage, street: Street) -> None:
    rail, bed = (88, 84, 82), stage.pick(((112, 104, 98), (96, 92, 90)))
    if street.tracks == "along":
        stage.canvas.draw("rail track", [stage.face(strip(-LANE - 1.3, -LANE + 1.3, 0.5, FAR), bed, UP)])
        for x in (-LANE - 0.72, -LANE + 0.72):
            stage.paint(strip(x - 0.06, x + 0.06, 0.5, FAR)[None], rail)
    elif street.tracks == "across":
        z = street.junction
        stage.canvas.draw("rail track", [stage.face(ground(-60, 60, z - 1.4, z + 1.4), bed, UP)])
        stage.paint(np.stack([ground(-60, 60, z + d, z + d + 0.14) for d in (-0.78, 0.66)]), rail)


def _wear(stage: Stage, street: Street) -> None:
    """Paint patches, manholes and cracks into the road."""
    for _ in range(stage.rng.integers(1, 5)):
        x, z = stage.between(street.left, street.right - 1.5), stage.between(5, 30)
        gray = stage.between(72, 112)
        patch = ground(x, x + stage.between(0.8, 2.4), z, z + stage.between(1, 6))
        stage.paint(patch[None], (gray, gray, gray))
    middle = (stage.between(street.left, street.right), stage.between(5, 16))
    manhole = np.insert(middle + 0.4 * CIRCLE, 1, 0, axis=1)
    stage.paint(manhole[None], (62, 60, 60))
    depth = np.linspace(4, 30, 14)
    path = stage.between(street.left, street.right) + np.cumsum(stage.rng.uniform(-0.25, 0.25, 14))
    edges = [np.stack([x, 0 * depth, depth], axis=-1) for x in (path, path + 0.04)]
    crack = np.concatenate([edges[0], edges[1][::-1]])
    stage.paint(crack[None], (58, 56, 56))


def _mark(stage: Stage, street: Street) -> None:
    """Paint lane lines and a zebra crossing."""
    white = stage.pick(((214, 214, 208), (190, 188, 180), (226, 222, 200)))
    borders = [LANE * (i - 0.5) for i in range(1 - street.lanes_left, street.lanes_right)]
    for x in borders:
        middle = x == -LANE / 2 and stage.happens(0.35)
        dashes = [(4.0, 90.0)] if middle else [(z, z + 3) for z in np.arange(stage.between(3, 6), 80, 7)]
        dashes = [(a, b) for a, b in dashes if not (a < street.junction + 4 and b > street.junction - 4) or middle]
        lines = [strip(x - 0.08, x + 0.08, a, b, 6) for a, b in dashes]
        stage.paint(np.stack(lines), white)
    for side, width in zip((-1, 1), street.parking, strict=True):
        if width or stage.happens(0.4):
            x = street.curb(side) - side * (width or 0.4)
            stage.paint(strip(x - 0.06, x + 0.06, 3, 100)[None], white)
    if street.crossing:
        z = street.crossing
        bars = np.arange(street.left + 0.4, street.right - 0.6, 1.0)
        stage.paint(np.stack([ground(x, x + 0.5, z, z + 3) for x in bars]), white)


def _cast_shade(stage: Stage, street: Street) -> None:
    """Draw the shadow of the houses on the sunny side over the street."""
    side = 1 if stage.light.sun[0] > 0 else -1
    if stage.light.ambient > 0.7 or stage.happens(0.3):
        return
    z = np.repeat(np.append(3.0, np.cumsum(stage.rng.uniform(6, 16, 11))), 2)
    reach = np.append(np.repeat(stage.rng.uniform(1, 10, 11), 2), [0, 0])
    edge = np.stack([street.front(side) - side * np.roll(reach, 1), 0 * z, z], axis=-1)
    foot = np.array([(street.front(side), 0, z[-1]), (street.front(side), 0, z[0])])
    stage.canvas.shade([stage.camera.project(np.concatenate([edge, foot]))], stage.light.ambient)


def _grain(stage: Stage) -> None:
    """Roughen what lies on the ground; the grain shrinks with distance because it is looked up in meters."""
    height, width = stage.canvas.size
    top = max(0, int(stage.camera.vanishing[1]) + 2)
    rows = np.arange(top, height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None]
    z = np.float32(stage.camera.focal * stage.camera.eye) / (rows - np.float32(stage.camera.vanishing[1]))
    x = (columns - np.float32(stage.camera.vanishing[0])) * z / np.float32(stage.camera.focal)
    x = x - np.float32(stage.camera.bend) * z * z
    tile = clouds(stage.rng, (256, 256), (24, 60, 128)) - 0.5
    mirrored = [np.abs(meters * 16 % 510 - 255) for meters in (x, np.broadcast_to(z, x.shape))]  # so no seam shows
    grain = cv2.remap(tile, mirrored[0], mirrored[1], cv2.INTER_LINEAR)
    ids = stage.canvas.annotation.label_ids[top:]
    strength = np.zeros(256, np.float32)
    for name, share in (("road", 0.22), ("sidewalk", 0.22), ("parking", 0.25), ("rail track", 0.5), ("terrain", 0.6)):
        strength[ROW[name].label_id] = share
    factor = 1 + grain * strength[ids] * np.clip(1.2 - z / 40, 0.15, 1)
    ground_pixels = stage.canvas.image[top:]
    ground_pixels[:] = np.clip(ground_pixels * factor[..., None], 0, 255)


def ground(x0: float, x1: float, z0: float, z1: float) -> Points:
    """Return a rectangle (4, 3) on the ground."""
    return np.array([(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)])


def strip(x0: float, x1: float, near: float, far: float, steps: int = 24) -> Points:
    """Return a long rectangle (2 steps, 3) on the ground with enough corners to follow a bend."""
    z = np.geomspace(near, far, steps)
    left = np.stack([np.full(steps, x0), np.zeros(steps), z], axis=-1)
    right = np.stack([np.full(steps, x1), np.zeros(steps), z], axis=-1)
    return np.concatenate([left, right[::-1]])


def clouds(rng: np.random.Generator, size: tuple[int, int], cells: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return smooth noise (height, width) around 0.5: one layer for each number of cells a height, ever weaker."""
    total = np.zeros(size, np.float32)
    for i, n in enumerate(cells):
        layer = rng.random((n, max(2, n * size[1] // size[0])), dtype=np.float32)
        total += cv2.resize(layer, size[::-1], interpolation=cv2.INTER_CUBIC) * 0.6**i
    return total / np.float32(sum(0.6**i for i in range(len(cells))))
