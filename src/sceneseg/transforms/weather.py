"""Weather for training samples: rain, snow, fog, shadow, light beam and darkness, painted over finished pictures.

Only the image changes, never its labels. All randomness comes from the sample's own generator. Far and near are
guessed from the height in the whole scene: the horizon is at 0.42 of it, as in street scenes seen from a car.

Source: the six kinds of weather are a common list in road-scene projects; fog follows Koschmieder's law
(transmission falls exponentially with distance).
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.arrays import AnyArray, ImageArray
from sceneseg.errors import ConfigError, did_you_mean

Span = tuple[float, float]
"""Which rows of the whole scene a sample shows, 0 the top and 1 the bottom."""

WHOLE: Span = (0.0, 1.0)
HORIZON = 0.42


def draw_weather(generator: np.random.Generator, chances: Mapping[str, tuple[float, float]]) -> list[tuple[str, float]]:
    """Draw what befalls a sample.

    Args:
        generator: The sample's own; for each kind it gives one number, whatever the chances are.
        chances: Kind of weather -> (probability, largest strength from 0 to 1).

    Returns:
        Kind and strength of each, in the order of `EFFECTS`; the strength is at least a third of the largest.

    Raises:
        ConfigError: A kind that isn't known, or a number beyond 0..1.
    """
    for kind, numbers in chances.items():
        if kind not in EFFECTS:
            hint = did_you_mean(kind, EFFECTS)
            raise ConfigError(f'There is no weather called "{kind}".{hint} Known: {", ".join(EFFECTS)}.')
        if not all(0 <= number <= 1 for number in numbers):
            raise ConfigError(f"{kind}: expected probability and strength from 0 to 1, found {list(numbers)}.")
    drawn = generator.random((len(EFFECTS), 2))
    found = []
    for (luck, share), kind in zip(drawn, EFFECTS, strict=True):
        probability, strength = chances.get(kind, (0.0, 0.0))
        if luck < probability:
            found.append((kind, strength * (1 + 2 * share) / 3))
    return found


def chances(weather: Mapping[str, float], strength: float) -> dict[str, tuple[float, float]]:
    """Return probability and strength of each kind, as `draw_weather` takes them.

    Args:
        weather: Kind -> probability; "any" is shared evenly among all kinds.
        strength: The largest, from 0 to 1.

    Raises:
        ConfigError: A kind that isn't known, or a number beyond 0..1.
    """
    share = weather.get("any", 0.0) / len(EFFECTS)
    kinds = {kind: share for kind in EFFECTS if share} | {k: v for k, v in weather.items() if k != "any"}
    found = {kind: (probability, strength) for kind, probability in kinds.items()}
    draw_weather(np.random.default_rng(0), found)  # complains now rather than at the first sample
    return found


def apply_weather(
    image: ImageArray, weather: list[tuple[str, float]], generator: np.random.Generator, span: Span = WHOLE
) -> ImageArray:
    """Paint weather over an image.

    Args:
        image: (H, W, 3) uint8 RGB; stays as it is.
        weather: From `draw_weather`.
        generator: Draws the details.
        span: Which rows of the whole scene the image shows.
    """
    picture: AnyArray = image
    for kind, strength in weather:
        picture = EFFECTS[kind](picture, strength, generator, span)
    return picture


def rain(image: AnyArray, strength: float, generator: np.random.Generator, span: Span = WHOLE) -> AnyArray:
    """Return the image under a dull sky behind three curtains of streaks, the near ones long and out of focus."""
    height, width = image.shape[:2]
    slant = generator.uniform(-0.3, 0.3)
    streaks: AnyArray = np.zeros((height, width), np.uint8)
    for share, length, thickness, light in ((0.65, 0.03, 1, 120), (0.3, 0.07, 1, 170), (0.05, 0.12, 2, 130)):
        count = int(share * (120 + 700 * strength) * width / height / 2)
        start = generator.uniform((-0.1 * width, -0.15 * height), (1.1 * width, height), (count, 2))
        fall = height * length * generator.uniform(0.6, 1.3, (count, 1))
        lean = slant + generator.normal(0, 0.015, (count, 1))
        ends = np.stack([start, start + fall * np.concatenate([lean, np.ones_like(lean)], 1)], 1)
        streaks = cv2.max(streaks, _strokes(height, width, ends, light, thickness, 0.5 * thickness))
    dark = cv2.LUT(image, _curve(1.0, 1 - 0.35 * strength))
    dull = _blend(dark, (138, 144, 150), np.full((height, 1), 0.12 + 0.2 * strength))
    return _paint(dull, (205, 212, 220), cv2.blur(streaks, (1, 3)), 0.55 + 0.3 * strength)


def snow(image: AnyArray, strength: float, generator: np.random.Generator, span: Span = WHOLE) -> AnyArray:
    """Return the image with snow on what is bright below the horizon, haze, and flakes of three distances."""
    height, width = image.shape[:2]
    far = np.clip((_rows(height, span) - HORIZON) / 0.25, 0, 1)
    lying = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), _ramp(130 - 110 * strength, 250 - 130 * strength))
    lying = cv2.multiply(lying, np.broadcast_to(far[:, None] * 0.9 * strength, lying.shape), dtype=cv2.CV_8U)
    ground = _paint(image, (236, 240, 246), lying, 1.0)
    hazy = _blend(ground, (214, 219, 226), (0.12 + 0.28 * strength) * (1 - 0.4 * far[:, None]))
    flakes: AnyArray = np.zeros((height, width), np.uint8)
    slant = generator.uniform(-1.0, 1.0)
    for share, radius, light in ((0.5, 0.0012, 170), (0.3, 0.002, 225), (0.15, 0.003, 245), (0.05, 0.006, 170)):
        count = int(share * (300 + 2200 * strength) * width / height / 2)
        middle = generator.uniform((0, 0), (width, height), (count, 2))
        reach = radius * height * generator.uniform(0.3, 1.2, (count, 1)) * np.array([[slant, 1.0]])
        ends = np.stack([middle - reach, middle + reach], 1)
        flakes = cv2.max(flakes, _strokes(height, width, ends, light, 1000 * radius, 0.4 + 220 * radius))
    return _paint(hazy, (250, 251, 255), flakes, 0.95)


def fog(image: AnyArray, strength: float, generator: np.random.Generator, span: Span = WHOLE) -> AnyArray:
    """Return the image behind fog: thin over the road before us, closed at the horizon, in drifts."""
    height, width = image.shape[:2]
    rows = _rows(height, span)
    below = np.maximum(rows - HORIZON, 0) / 0.09
    above = np.maximum(HORIZON - rows, 0) / HORIZON  # houses and trees there are nearer than the horizon
    distance = 2.2 / (1 + below**2) ** 0.6 - 0.9 * above
    drifts = _cloud(generator, height, width, 0.6, 1.4)
    density = (0.2 + 1.3 * strength) * distance[:, None]
    veil = 1 - cv2.exp(-density * drifts)
    gray = int(generator.integers(196, 222))
    return _blend(image, (gray - 4, gray, gray + 4), veil)


def shadow(image: AnyArray, strength: float, generator: np.random.Generator, span: Span = WHOLE) -> AnyArray:
    """Return the image with the shadow of something beside the street: bands across, or leaves of a tree."""
    height, width = image.shape[:2]
    mask: AnyArray = np.zeros((height, width), np.uint8)
    if generator.random() < 0.4:
        leaves = _cloud(generator, height, width, 0.0, 1.0, cells=18)
        crown = _cloud(generator, height, width, 0.0, 1.0, cells=3)
        mask = ((0.4 * leaves + 0.6 * crown > 0.5) * np.uint8(255)).astype(np.uint8)
    else:
        for _ in range(generator.integers(1, 3)):
            top, bottom = generator.uniform(-0.2, 1.2, 2) * width
            wide = generator.uniform(0.15, 0.45, 2) * width
            corners = [(top, 0), (top + wide[0], 0), (bottom + wide[1] * 1.4, height), (bottom, height)]
            cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255)
    mask = cv2.blur(mask, (1 + 2 * (height // 90), 1 + 2 * (height // 90)))
    below = np.clip((_rows(height, span) - HORIZON + 0.12) / 0.15, 0, 1)  # the sky has no shadow
    mask = cv2.multiply(mask, np.broadcast_to(below[:, None], mask.shape), dtype=cv2.CV_8U)
    shade = 0.75 - 0.35 * strength
    sky = (0.92, 1.0, 1.12)  # blue, and all the light that is left
    dark = cv2.LUT(image, np.stack([_curve(1.0, shade * tint) for tint in sky], 1)[None])
    return _mix(image, dark, mask)


def light_beam(image: AnyArray, strength: float, generator: np.random.Generator, span: Span = WHOLE) -> AnyArray:
    """Return the image with a low light that shines into the camera: a glow, and a shaft through the picture."""
    height, width = image.shape[:2]
    x, y = generator.uniform(0.1, 0.9) * width, generator.uniform(-0.05, 0.35) * height
    across, down = np.meshgrid(np.arange(0, width + 4, 4) - x, np.arange(0, height + 4, 4) - y)
    distance = np.hypot(across, down) / height
    glow = 0.75 * np.exp(-distance / 0.12) + 0.35 * np.exp(-distance / 0.5)
    aim = generator.uniform(0.25, 0.75) * np.pi
    turn = np.arctan2(down, across) - aim
    for offset, wide in ((0.0, generator.uniform(0.1, 0.16)), (generator.uniform(-0.7, 0.7), 0.07)):
        glow += 0.45 * np.exp(-(((turn - offset) / wide) ** 2)) * np.exp(-distance / 0.9)
    light = cv2.resize((glow * (0.35 + 0.65 * strength)).clip(0, 1).astype(np.float32), (width, height))
    return _blend(image, (255, 246, 222), light)


def darkness(image: AnyArray, strength: float, generator: np.random.Generator, span: Span = WHOLE) -> AnyArray:
    """Return the image as at dusk or night: bluish, with a dark sky, the light of our own lamps, and grain."""
    height, width = image.shape[:2]
    bright = 0.8 - 0.52 * strength
    rows = _rows(height, span)[:, None]
    lit = np.exp(-(((rows - 0.75) / 0.17) ** 2)) * np.exp(-((np.linspace(-1, 1, width)[None] * 1.7) ** 2))
    sky = 0.75 + 0.25 * np.clip((rows - HORIZON) / 0.15 + 0.5, 0, 1)  # darker than what stands below it
    light = (bright * sky + (0.3 + 0.4 * strength) * lit * (1 - bright)).astype(np.float32)
    gamma = 1.1 + 0.3 * strength
    night = cv2.LUT(image, np.stack([_curve(gamma, tint) for tint in (0.9, 0.94, 1.08)], 1)[None])
    night = cv2.multiply(night, cv2.merge([light] * 3), dtype=cv2.CV_8U)
    grain = generator.integers(0, 256, (height, width), np.uint8)
    return cv2.add(night, cv2.merge([cv2.LUT(grain, _curve(1.0, 0.02 + 0.06 * strength))] * 3))


EFFECTS: dict[str, Callable[[AnyArray, float, np.random.Generator, Span], AnyArray]] = {
    "rain": rain,
    "snow": snow,
    "fog": fog,
    "shadow": shadow,
    "light_beam": light_beam,
    "darkness": darkness,
}


def vertical_span(matrix: npt.NDArray[np.float64], height: int, scene_height: int) -> Span:
    """Return which rows of its scene a sample of that height shows, for the matrix of its window."""
    top, bottom = (matrix[1, 1] * row + matrix[1, 2] + 0.5 for row in (-0.5, height - 0.5))
    return float(top) / scene_height, float(bottom) / scene_height


def _rows(height: int, span: Span) -> AnyArray:
    """Return where the middle of each row lies in the whole scene."""
    middles = (np.arange(height, dtype=np.float32) + 0.5) / height
    rows: AnyArray = span[0] + middles * (span[1] - span[0])
    return rows


def _cloud(
    generator: np.random.Generator, height: int, width: int, low: float, high: float, cells: int = 4
) -> AnyArray:
    """Return smooth noise between two values, with about `cells` patches from top to bottom."""
    across, quarter = max(2, round(cells * width / height)), (width // 4 + 1, height // 4 + 1)
    coarse, fine = (generator.random((n * cells + 1, n * across + 1), np.float32) for n in (1, 3))
    noise: AnyArray = cv2.resize(coarse, quarter, interpolation=cv2.INTER_CUBIC)
    noise = noise + 0.35 * cv2.resize(fine, quarter, interpolation=cv2.INTER_CUBIC)
    lowest, highest, _, _ = cv2.minMaxLoc(noise)
    noise = low + (noise - lowest) * ((high - low) / max(highest - lowest, 1e-9))
    return cv2.resize(noise, (width, height))


def _strokes(
    height: int, width: int, ends: npt.NDArray[np.float64], light: int, thickness: float, blur: float
) -> AnyArray:
    """Draw lines, (N, 2, 2) with x before y, of a thickness that is meant for pictures 512 high."""
    layer = np.zeros((height, width), np.uint8)
    thick = max(1, round(thickness * height / 512))
    cv2.polylines(layer, list((ends * 8).round().astype(np.int32)), False, light, thick, cv2.LINE_AA, 3)
    return cv2.GaussianBlur(layer, (0, 0), blur * height / 512)


def _blend(image: AnyArray, color: tuple[int, int, int], alpha: AnyArray) -> AnyArray:
    """Cover an image with a color, as densely as alpha (H, W) or (H, 1) says."""
    weight = np.broadcast_to(alpha, image.shape[:2]).astype(np.float32)
    return cv2.blendLinear(image, _plain(image.shape[0], image.shape[1], color), 1 - weight, weight)


def _paint(image: AnyArray, color: tuple[int, int, int], mask: AnyArray, opacity: float) -> AnyArray:
    """Cover an image with a color where a mask (H, W) says so."""
    return _blend(image, color, mask * np.float32(opacity / 255))


def _mix(image: AnyArray, other: AnyArray, mask: AnyArray) -> AnyArray:
    """Show another image where a mask (H, W) says so."""
    weight = mask * np.float32(1 / 255)
    return cv2.blendLinear(image, other, 1 - weight, weight)


def _plain(height: int, width: int, color: tuple[int, int, int]) -> AnyArray:
    return cv2.merge([np.full((height, width), value, np.uint8) for value in color])


def _ramp(low: float, high: float) -> AnyArray:
    """Return a table that rises from 0 at `low` to 255 at `high`."""
    table: AnyArray = ((np.arange(256) - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    return table


def _curve(gamma: float, gain: float = 1.0) -> AnyArray:
    """Return a table of a power of the brightness, times a factor."""
    table: AnyArray = ((np.arange(256) / 255) ** gamma * gain * 255).clip(0, 255).astype(np.uint8)
    return table
