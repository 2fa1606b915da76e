"""Draws one toy scene: lots are drawn for a street, then everything is painted and labeled from far to near."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.errors import DataError
from sceneseg.toy.canvas import ROW, Canvas, Color, Part, Polygon
from sceneseg.toy.cast import Guests, cast, guests
from sceneseg.toy.sides import draw_backdrop
from sceneseg.toy.stage import Camera, Light, Stage
from sceneseg.toy.street import clouds, draw_ground, draw_sky, plan_street

SMALLEST = 32
"""The least height and width in which a street can be recognized."""


@dataclass(frozen=True)
class ToyScene:
    """A drawn scene and its complete annotation.

    Args:
        image: (H, W, 3) uint8 RGB.
        label_ids: (H, W) uint8 Cityscapes label ids.
        instance_ids: (H, W) uint16, label id * 1000 + n for single objects, the plain label id elsewhere.
        polygons: In drawing order, later ones cover earlier ones; rasterised they give `label_ids` exactly.
    """

    image: npt.NDArray[np.uint8]
    label_ids: npt.NDArray[np.uint8]
    instance_ids: npt.NDArray[np.uint16]
    polygons: tuple[Polygon, ...]


def draw_scene(size: tuple[int, int] = (256, 512), seed: int = 0, index: int = 0) -> ToyScene:
    """Draw a street scene; equal arguments give equal scenes.

    Args:
        size: (height, width) in pixels.
        seed: Any non-negative number; another one gives other streets.
        index: Which scene of the endless series. Any 8 in a row show all 19 Cityscapes classes.

    Raises:
        DataError: A size below 32 x 32, or a negative seed.
    """
    check_arguments(size, seed)
    rng = np.random.default_rng([seed, index])
    invited = guests(index)
    street = plan_street(rng, _tracks(rng, invited))
    props = cast(rng, street, invited)
    stage = Stage(_camera(rng, size), _light(rng), Canvas(size), rng)
    draw_sky(stage)
    draw_ground(stage, street)
    draw_backdrop(stage)
    for prop in sorted(props, key=lambda prop: -prop.depth):
        prop.draw(stage)
    if stage.happens(0.5):
        draw_hood(stage)
    image, truth = expose(stage.canvas, rng), stage.canvas.annotation
    return ToyScene(image, truth.label_ids, truth.instance_ids, tuple(truth.polygons))


def check_arguments(size: tuple[int, int], seed: int) -> None:
    """Refuse an image in which nothing could be recognized, and a seed that isn't one.

    Raises:
        DataError: The height or width is below `SMALLEST`, or the seed below 0.
    """
    if seed < 0:
        raise DataError(f"The seed of toy scenes must be 0 or more, it is {seed}. Give another number.")
    if min(size) < SMALLEST:
        raise DataError(
            f"A toy scene needs at least {SMALLEST} x {SMALLEST} pixels (height x width), "
            f"{size[0]} x {size[1]} were asked for. Ask for a larger size."
        )


def _tracks(rng: np.random.Generator, invited: Guests) -> str:
    if invited.large == "train":
        return "across" if rng.random() < 0.45 else "along"
    return "along" if rng.random() < 0.12 else ""


def _camera(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    height, width = size
    focal = rng.uniform(0.92, 1.12) * min(width, 2.4 * height)
    vanishing = (width * rng.uniform(0.42, 0.58), height * rng.uniform(0.38, 0.47))
    bend = rng.choice([0.0, 1.0]) * rng.uniform(-0.0016, 0.0016)
    return Camera(focal, vanishing, eye=rng.uniform(1.35, 1.75), bend=bend)


def _light(rng: np.random.Generator) -> Light:
    """Draw lots for a time of day and the weather."""
    turn, rise = rng.uniform(0, 2 * math.pi), rng.uniform(0.35, 1.0)
    flat = math.cos(rise)
    sun = (flat * math.sin(turn), math.sin(rise), -flat * math.cos(turn))
    hazes: tuple[Color, ...] = ((206, 214, 222), (188, 192, 196), (228, 214, 192), (176, 188, 206))
    haze = hazes[rng.integers(len(hazes))]
    return Light(sun, rng.uniform(0.5, 0.9), haze, rng.uniform(0.002, 0.009))


def draw_hood(stage: Stage) -> None:
    """Draw the hood of the car that carries the camera, with the sky in its paint."""
    height, width = stage.canvas.size
    rise = height * stage.between(0.04, 0.11)
    x = np.linspace(0, width - 1, 40)
    arch = height - 1 - rise * (1 - (2 * x / width - 1) ** 4)
    outline = np.column_stack([np.append(x, [width - 1, 0]), np.append(arch, [height, height])])
    gray = stage.between(26, 70)
    stage.canvas.draw("ego vehicle", [Part(outline, (gray, gray, gray * 1.08))])
    shine = np.column_stack([np.append(x, x[::-1]), np.append(arch + 1, (arch + rise * 0.25)[::-1])])
    stage.canvas.shade([shine], 1.5)


def expose(canvas: Canvas, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return the image that a camera takes: texture, lens, exposure, color cast and sensor noise."""
    height, width = canvas.size
    scale = height / 256
    fine = rng.standard_normal((height, width), dtype=np.float32)
    coarse = clouds(rng, (height, width), (80, 40)) - 0.5
    texture = 0.5 * cv2.GaussianBlur(fine, (0, 0), 0.8 * scale) * scale + 4 * coarse
    image: npt.NDArray[Any] = canvas.image.astype(np.float32)
    image *= 1 + (texture * TEXTURE[canvas.annotation.label_ids])[..., None]
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.35, 0.75) * scale)
    gain = rng.uniform(0.9, 1.15) * (1 + rng.uniform(-0.05, 0.05, 3))
    image = image * gain.astype(np.float32) * _vignette(height, width)
    image = cv2.transform(image, _saturation(rng.uniform(0.85, 1.15)))
    tones = 255 * np.linspace(0, 1, 256) ** rng.uniform(0.85, 1.12)
    image = cv2.LUT(np.clip(image, 0, 255).astype(np.uint8), tones.astype(np.float32))
    image = image + rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(1.5, 6))
    return np.clip(image, 0, 255).astype(np.uint8)


def _saturation(share: float) -> npt.NDArray[np.float32]:
    """Return the color matrix that keeps that share of the color and replaces the rest by gray."""
    return (share * np.eye(3) + (1 - share) / 3).astype(np.float32)


def _vignette(height: int, width: int) -> npt.NDArray[np.float32]:
    """Return how lenses darken corners, (H, W, 1)."""
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    return np.float32(1) - np.float32(0.09) * (x * x + y * y)[..., None]


_ROUGHNESS = {
    "building": 0.05,
    "wall": 0.1,
    "fence": 0.06,
    "vegetation": 0.17,
    "person": 0.04,
    "rider": 0.04,
    "truck": 0.02,
    "bus": 0.02,
    "train": 0.02,
}
TEXTURE = np.zeros(256, np.float32)
"""How rough a surface looks, by label id; the ground has a grain of its own."""
for _name, _roughness in _ROUGHNESS.items():
    TEXTURE[ROW[_name].label_id] = _roughness
