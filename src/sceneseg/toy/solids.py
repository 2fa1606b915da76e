"""Shapes that things are made of: prisms with a profile, and leafy blobs."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sceneseg.toy.canvas import Color, Outline, Part
from sceneseg.toy.stage import Place, Points, Stage, Vector


class Prism:
    """A profile extruded across the direction of travel: a car's body, a container, a coach.

    Args:
        stage: Where it is seen.
        place: Where it stands.
        profile: (N, 2) meters forward and up, from the rear bottom over the top to the front bottom.
        width: Meters across.
        color: RGB of the paint.
    """

    def __init__(self, stage: Stage, place: Place, profile: npt.ArrayLike, width: float, color: Color) -> None:
        self.stage, self.place, self.width, self.color = stage, place, width, color
        self.profile = np.asarray(profile, np.float64)
        ends = np.empty((2, len(self.profile), 3))  # its right and its left end
        ends[..., :2] = self.profile
        ends[0, :, 2], ends[1, :, 2] = width / 2, -width / 2
        self._world = place.world(ends)
        self._ends = stage.camera.project(self._world)
        following = np.roll(self._ends, -1, axis=1)
        self._quads = np.stack([self._ends[0], following[0], following[1], self._ends[1]], axis=1)
        self._seen = signed_area(self._quads) < 0
        right, left = signed_area(self._ends)
        self.side = 1 if right > 0 else -1 if left < 0 else 0
        """Which flank is seen: 1 the right one, -1 the left one, 0 neither."""

    @property
    def parts(self) -> list[Part]:
        """The visible faces, the farthest first."""
        across = self._world[1] - self._world[0]
        along = np.roll(self._world[0], -1, axis=0) - self._world[0]
        normals = np.cross(across, along)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
        depth = self._world[0, :, 2] + along[:, 2] / 2
        faces = [Part(self._quads[i], self._lit(self.color, normals[i])) for i in np.argsort(-depth) if self._seen[i]]
        if self.side:
            faces.append(Part(self._ends[(1 - self.side) // 2], self._lit(self.color, self._flank_normal())))
        return faces

    def on_face(self, i: int, left: float, right: float, low: float, high: float, color: Color) -> list[Part]:
        """Return a patch on the face between profile points i and i + 1, if that face is seen.

        Args:
            i: Number of the face.
            left: Left edge as a share of the width, seen in the direction of travel.
            right: Right edge.
            low: Lower edge as a share of the way from point i to point i + 1.
            high: Upper edge.
            color: RGB.
        """
        if not self._seen[i]:
            return []
        patch = ((left, low), (right, low), (right, high), (left, high))
        weights = [(a * (1 - b), a * b, (1 - a) * b, (1 - a) * (1 - b)) for a, b in patch]
        lit = self.stage.light.on(color, (0.0, 0.3, -0.9), self.place.z)
        return [Part(np.array(weights) @ self._quads[i], lit, solid=False)]

    def on_flank(self, outline: Sequence[Any] | Points, color: Color, solid: bool = False) -> list[Part]:
        """Return a patch (N, 2), meters forward and up, on the flank that is seen, if one is."""
        if not self.side:
            return []
        local = [(u, v, self.side * self.width / 2) for u, v in outline]
        corners = self.stage.camera.project(self.place.world(local))
        return [Part(corners, self._lit(color, self._flank_normal()), solid)]

    def wheels(self, positions: Sequence[float], radius: float) -> list[Part]:
        """Return tires and hubs on the flank, `positions` meters ahead of the middle."""
        found = []
        for forward in positions if self.side else ():
            center = (forward, radius, self.side * self.width / 2)
            found.append(self.stage.disc(self.place, center, radius, (28, 28, 30)))
            found.append(self.stage.disc(self.place, center, 0.55 * radius, (125, 127, 130), solid=False))
        return found

    def tires(self, forward: float, radius: float) -> list[Part]:
        """Return the pair of tires under the rear or the front end as seen from that end."""
        found = []
        for outer in (-self.width / 2, self.width / 2):
            inner = outer * 0.72
            corners = [(forward, v, w) for v, w in ((0, inner), (0, outer), (radius, outer), (radius, inner))]
            found.append(Part(self.stage.camera.project(self.place.world(corners)), (22.0, 22.0, 24.0)))
        return found

    def _lit(self, color: Color, normal: Sequence[float]) -> Color:
        return self.stage.light.on(color, (normal[0], normal[1], normal[2]), self.place.z)

    def _flank_normal(self) -> Vector:
        heading = self.place.heading
        return self.side * math.cos(heading), 0.0, -self.side * math.sin(heading)


def box(rear: float, front: float, low: float, high: float) -> Points:
    """Return the profile of a box; its faces are 0 rear, 1 top, 2 front, 3 bottom."""
    return np.array([(rear, low), (rear, high), (front, high), (front, low)])


def rectangle(rear: float, front: float, low: float, high: float) -> list[tuple[float, float]]:
    """Return a rectangle for a flank, meters forward and up."""
    return [(rear, low), (front, low), (front, high), (rear, high)]


def signed_area(outlines: Outline) -> npt.NDArray[np.float64]:
    """Return the area (...) of outlines (..., N, 2); positive when clockwise as seen in the image."""
    x, y = outlines[..., 0], outlines[..., 1]
    area: npt.NDArray[np.float64] = (x * np.roll(y, -1, axis=-1) - np.roll(x, -1, axis=-1) * y).sum(axis=-1) / 2
    return area


def blob(rng: np.random.Generator, center: Outline, radius: Outline, rough: float = 0.18, corners: int = 22) -> Outline:
    """Return an uneven round outline (corners, 2) around a pixel, `radius` pixels across and up."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = 1 + rough * rng.uniform(-1, 1, corners)
    ring: Outline = center + np.stack([np.cos(turn), np.sin(turn)], axis=-1) * reach[:, None] * radius
    return ring


def draw_leaves(
    stage: Stage, masses: Outline, radii: Outline, color: Color, depth: float, trunk: Sequence[Part]
) -> None:
    """Draw vegetation: leafy masses around pixels (N, 2) of radii (N, 2), tufts in them brighter towards the top."""
    rng, tufts_each = stage.rng, 8 + int(400 / depth)
    lit = np.array(stage.light.on(color, (0.3, 0.6, -0.7), depth))
    shades = np.clip(lit * rng.uniform(0.85, 1.1, (len(masses), 1)), 0, 255).tolist()
    crown = [
        Part(blob(rng, center, radius), (r, g, b))
        for center, radius, (r, g, b) in zip(masses, radii, shades, strict=True)
    ]
    stage.canvas.draw("vegetation", [*trunk, *crown])
    if radii.max() < 5:
        return  # tufts would be smaller than pixels
    turn, reach = rng.uniform(0, 2 * np.pi, (2, len(masses), tufts_each))
    reach = np.sqrt(reach / (4 * np.pi))
    middles = np.stack([np.cos(turn), np.sin(turn)], axis=-1) * reach[..., None]
    spikes = rng.uniform(0.08, 0.28, (*turn.shape, len(_TUFT), 1)) * _TUFT
    tufts = masses[:, None, None] + (middles[:, :, None] + spikes) * radii[:, None, None]  # (N, tufts, corners, 2)
    level = np.clip(2 - 3 * middles[..., 1] + rng.normal(0, 1, turn.shape), 0, 4).astype(int)
    for i, brightness in enumerate((0.68, 0.84, 1.0, 1.16, 1.34)):
        r, g, b = np.clip(lit * brightness, 0, 255).tolist()
        stage.canvas.paint(tufts[level == i], (r, g, b))


_TUFT = np.array([(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 7, endpoint=False)])
