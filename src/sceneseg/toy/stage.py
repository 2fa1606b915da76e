"""Stage of a toy scene: a camera above the road, the light, and places to put things.

World coordinates are meters: x to the right, y up, z ahead, the camera above the origin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sceneseg.toy.canvas import Canvas, Color, Outline, Part, tint

Points = npt.NDArray[np.float64]
Vector = tuple[float, float, float]
Number = TypeVar("Number", float, Points)

UP: Vector = (0.0, 1.0, 0.0)
TOWARDS: Vector = (0.0, 0.0, -1.0)
"""The normal of a surface that faces the camera."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks along a street.

    Args:
        focal: Focal length in pixels.
        vanishing: Pixel x, y at which everything straight ahead meets; y is the horizon.
        eye: Height above the road in meters.
        bend: How the street curves: meters to the right per square meter ahead.
    """

    focal: float
    vanishing: tuple[float, float]
    eye: float
    bend: float

    def pixel(self, x: Number, y: Number, z: Number) -> tuple[Number, Number]:
        """Return where world coordinates, numbers or arrays, are seen."""
        scale = self.focal / z
        return self.vanishing[0] + (x + self.bend * z * z) * scale, self.vanishing[1] + (self.eye - y) * scale

    def project(self, points: Points) -> Outline:
        """Return pixel x, y (..., 2) of world points (..., 3)."""
        pixels = np.empty((*points.shape[:-1], 2))
        pixels[..., 0], pixels[..., 1] = self.pixel(points[..., 0], points[..., 1], points[..., 2])
        return pixels


@dataclass(frozen=True)
class Light:
    """Sun, sky and air.

    Args:
        sun: Unit vector towards the sun.
        ambient: Share of light that comes from everywhere; near 1 when overcast.
        haze: The color that distance fades to, RGB.
        density: How fast it does, per meter.
    """

    sun: Vector
    ambient: float
    haze: Color
    density: float

    def on(self, color: Color, normal: Vector, depth: float) -> Color:
        """Return how a surface of that color looks."""
        direct = normal[0] * self.sun[0] + normal[1] * self.sun[1] + normal[2] * self.sun[2]
        clear = math.exp(-self.density * depth)
        glow = clear * (self.ambient + 1.3 * (1 - self.ambient) * max(0.0, direct))
        veil = 1 - clear
        return (
            color[0] * glow + self.haze[0] * veil,
            color[1] * glow + self.haze[1] * veil,
            color[2] * glow + self.haze[2] * veil,
        )


@dataclass(frozen=True)
class Place:
    """Position and heading of an object: 0 is away from the camera, pi/2 to the right."""

    x: float
    z: float
    heading: float = 0.0

    def point(self, forward: Number, up: Number, right: Number) -> tuple[Number, Number, Number]:
        """Return the world coordinates of local ones, numbers or arrays: meters forward, up and to its right."""
        sin, cos = math.sin(self.heading), math.cos(self.heading)
        return self.x + forward * sin + right * cos, up, self.z + forward * cos - right * sin

    def world(self, local: Points | Sequence[Any]) -> Points:
        """Return the world points of local points (..., 3)."""
        points = np.array(local, np.float64)
        points[..., 0], points[..., 1], points[..., 2] = self.point(points[..., 0], points[..., 1], points[..., 2])
        return points


@dataclass(frozen=True)
class Stage:
    """Everything that a thing needs in order to draw itself."""

    camera: Camera
    light: Light
    canvas: Canvas
    rng: np.random.Generator

    def pick(self, colors: Sequence[Color], spread: float = 0.12) -> Color:
        """Return one of the colors, a little lighter or darker."""
        return tint(colors[int(self.rng.integers(len(colors)))], self.between(1 - spread, 1 + spread))

    def between(self, low: float, high: float) -> float:
        """Return a number between `low` and `high`."""
        return float(self.rng.uniform(low, high))

    def happens(self, probability: float) -> bool:
        """Return True as often as that."""
        return bool(self.rng.random() < probability)

    def face(self, points: Points | Sequence[Any], color: Color, normal: Vector = TOWARDS, solid: bool = True) -> Part:
        """Return a flat polygon of world points (N, 3), lit."""
        corners = np.asarray(points, np.float64)
        lit = self.light.on(color, normal, float(corners[:, 2].mean()))
        return Part(self.camera.project(corners), lit, solid)

    def sees(self, place: Place, reach: float) -> bool:
        """Tell whether anything within `reach` meters to the left or right of a place is in the image."""
        middle, _ = self.camera.pixel(place.x, 0.0, place.z)
        margin = reach * self.camera.focal / place.z
        return -margin < middle < self.canvas.size[1] + margin

    def paint(self, quads: Points, color: Color, normal: Vector = UP) -> None:
        """Paint many world polygons (K, N, 3) of one color into the image, without a label."""
        if len(quads):
            lit = self.light.on(color, normal, float(quads[..., 2].mean()))
            self.canvas.paint(self.camera.project(quads), lit)

    def limb(self, place: Place, start: Vector, end: Vector, radius: float, color: Color | None) -> Part:
        """Return a rounded stroke between two local points, `radius` meters thick on each side."""
        first, last = place.point(*start), place.point(*end)
        lit = None if color is None else self.light.on(color, (0.3, 0.5, -0.8), first[2])
        thickness = (radius * self.camera.focal / first[2], radius * self.camera.focal / last[2])
        return Part(capsule(self.camera.pixel(*first), self.camera.pixel(*last), thickness), lit)

    def disc(self, place: Place, center: Vector, radius: float, color: Color | None, solid: bool = True) -> Part:
        """Return a round plate in the plane of travel (a wheel), seen in perspective."""
        local = np.zeros((len(CIRCLE), 3))
        local[:, :2] = radius * CIRCLE
        world = place.world(local + center)
        lit = None if color is None else self.light.on(color, TOWARDS, place.z)
        return Part(self.camera.project(world), lit, solid)

    def cast_shadow(self, place: Place, length: float, width: float, brightness: float = 0.45) -> None:
        """Darken the ground under something and a little away from the sun."""
        away = Place(place.x - 0.3 * self.light.sun[0], place.z, place.heading)
        corners = np.stack([CIRCLE[:, 0] * length * 0.6, np.zeros(len(CIRCLE)), CIRCLE[:, 1] * width * 0.65], axis=-1)
        self.canvas.shade([self.camera.project(away.world(corners))], brightness)


_TURN = np.linspace(0, 2 * np.pi, 16, endpoint=False)
CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=-1)
_HALF = tuple((math.cos(a), math.sin(a)) for a in np.linspace(-np.pi / 2, np.pi / 2, 5))


def capsule(first: tuple[float, float], last: tuple[float, float], thickness: tuple[float, float]) -> Outline:
    """Return the outline (10, 2) of a stroke with round ends between two pixels; there are too many for NumPy."""
    (x0, y0), (x1, y1), (r0, r1) = first, last, thickness
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    cos, sin = (x1 - x0) / length, (y1 - y0) / length
    arc = [(cos * a - sin * b, sin * a + cos * b) for a, b in _HALF]
    return np.array([(x1 + r1 * u, y1 + r1 * v) for u, v in arc] + [(x0 - r0 * u, y0 - r0 * v) for u, v in arc])
