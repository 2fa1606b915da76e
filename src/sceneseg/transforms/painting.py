"""Painting over images: colors, curves, clouds and strokes, for the weather."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.arrays import AnyArray, FloatArray

HORIZON = 0.42
"""Where the horizon lies in a whole scene, 0 the top and 1 the bottom, as in street scenes seen from a car."""


class Cloud(NamedTuple):
    """Random numbers of smooth noise.

    Args:
        coarse: Of the large patches.
        fine: Of those three times as small.
    """

    coarse: FloatArray
    fine: FloatArray


def rows_in_scene(height: int, span: tuple[float, float]) -> AnyArray:
    """Return where the middle of each row of a sample lies in the whole scene, (H,).

    Args:
        height: Of the sample.
        span: Which rows of the scene it shows, 0 the top and 1 the bottom.
    """
    middles = (np.arange(height, dtype=np.float32) + 0.5) / height
    rows: AnyArray = span[0] + middles * (span[1] - span[0])
    return rows


def draw_cloud(rng: np.random.Generator, height: int, width: int, cells: int = 4) -> Cloud:
    """Draw smooth noise with about `cells` patches from top to bottom."""
    across = max(2, round(cells * width / height))
    coarse, fine = (rng.random((n * cells + 1, n * across + 1), np.float32) for n in (1, 3))
    return Cloud(coarse, fine)


def cloud(drawn: Cloud, height: int, width: int, low: float, high: float) -> AnyArray:
    """Return smooth noise (H, W) between two values."""
    quarter = (width // 4 + 1, height // 4 + 1)
    noise: AnyArray = cv2.resize(drawn.coarse, quarter, interpolation=cv2.INTER_CUBIC)
    noise = noise + 0.35 * cv2.resize(drawn.fine, quarter, interpolation=cv2.INTER_CUBIC)
    lowest, highest, _, _ = cv2.minMaxLoc(noise)
    noise = low + (noise - lowest) * ((high - low) / max(highest - lowest, 1e-9))
    return cv2.resize(noise, (width, height))


def strokes(
    height: int, width: int, ends: npt.NDArray[np.float64], light: int, thickness: float, blur: float
) -> AnyArray:
    """Draw lines, (N, 2, 2) with x before y, of a thickness that is meant for images 512 high."""
    layer = np.zeros((height, width), np.uint8)
    thick = max(1, round(thickness * height / 512))
    cv2.polylines(layer, list((ends * 8).round().astype(np.int32)), False, light, thick, cv2.LINE_AA, 3)
    return cv2.GaussianBlur(layer, (0, 0), blur * height / 512)


def blend(image: AnyArray, color: tuple[int, int, int], alpha: AnyArray) -> AnyArray:
    """Cover an image with a color, with alpha (H, W) or (H, 1)."""
    weight = np.broadcast_to(alpha, image.shape[:2]).astype(np.float32)
    return cv2.blendLinear(image, _plain(image.shape[0], image.shape[1], color), 1 - weight, weight)


def paint(image: AnyArray, color: tuple[int, int, int], mask: AnyArray, opacity: float) -> AnyArray:
    """Cover an image with a color under a mask (H, W)."""
    return blend(image, color, mask * np.float32(opacity / 255))


def mix(image: AnyArray, other: AnyArray, mask: AnyArray) -> AnyArray:
    """Show another image under a mask (H, W)."""
    weight = mask * np.float32(1 / 255)
    return cv2.blendLinear(image, other, 1 - weight, weight)


def ramp(low: float, high: float) -> AnyArray:
    """Return a table that rises from 0 at `low` to 255 at `high`."""
    table: AnyArray = ((np.arange(256) - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    return table


def curve(gamma: float, gain: float = 1.0) -> AnyArray:
    """Return a table of a power of the brightness, times a factor."""
    table: AnyArray = ((np.arange(256) / 255) ** gamma * gain * 255).clip(0, 255).astype(np.uint8)
    return table


def _plain(height: int, width: int, color: tuple[int, int, int]) -> AnyArray:
    return cv2.merge([np.full((height, width), value, np.uint8) for value in color])
