"""Shadow of something next to the street."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.arrays import AnyArray, ImageArray
from sceneseg.transforms import register
from sceneseg.transforms.base import SampleInfo
from sceneseg.transforms.effect import Effect
from sceneseg.transforms.painting import HORIZON, Cloud, cloud, curve, draw_cloud, mix, rows_in_scene


class ShadowDetails(NamedTuple):
    """Parameters drawn for a shadow.

    Args:
        strength: From 0 to 1.
        span: Which rows of its scene the sample shows.
        tree: Leaves and crown of a tree; None for bands.
        bands: (4, 2) int32 corners of each band, x before y.
    """

    strength: float
    span: tuple[float, float]
    tree: tuple[Cloud, Cloud] | None
    bands: list[npt.NDArray[np.int32]]


@register
class Shadow(Effect[ShadowDetails]):
    """Shadow of something next to the street: bands across, or leaves of a tree; the sky has none.

    Source: random polygons are the common way of image augmentation libraries; leaves and numbers are ours.

    Args:
        p: Probability.
        strength: The largest, from 0 to 1; each time it is drawn from a third of it upwards.

    Example:
        >>> from sceneseg.transforms.base import Sample, sample_generator
        >>> info = SampleInfo(0, "a", image_size=(64, 48), size=(64, 48), base_size=(64, 48))
        >>> sample, shadow = Sample(np.full((64, 48, 3), 200, np.uint8), None), Shadow(p=1.0)
        >>> dark = shadow.apply(sample, shadow.draw(sample_generator(0, 0), info)).image
        >>> bool((dark[0] == 200).all())  # the sky
        True
    """

    def details(self, rng: np.random.Generator, strength: float, sample: SampleInfo) -> ShadowDetails:
        """Draw a tree or one or two bands."""
        height, width = sample.size
        if rng.random() < 0.4:
            tree = draw_cloud(rng, height, width, cells=18), draw_cloud(rng, height, width, cells=3)
            return ShadowDetails(strength, sample.span, tree, [])
        bands = []
        for _ in range(rng.integers(1, 3)):
            top, bottom = rng.uniform(-0.2, 1.2, 2) * width
            wide = rng.uniform(0.15, 0.45, 2) * width
            corners = [(top, 0), (top + wide[0], 0), (bottom + wide[1] * 1.4, height), (bottom, height)]
            bands.append(np.round(corners).astype(np.int32))
        return ShadowDetails(strength, sample.span, None, bands)

    def paint(self, image: ImageArray, drawn: ShadowDetails) -> ImageArray:
        """Return the image with the shadow."""
        height, width = image.shape[:2]
        mask: AnyArray = np.zeros((height, width), np.uint8)
        if drawn.tree is not None:
            leaves, crown = (cloud(part, height, width, 0.0, 1.0) for part in drawn.tree)
            mask = ((0.4 * leaves + 0.6 * crown > 0.5) * np.uint8(255)).astype(np.uint8)
        for corners in drawn.bands:
            cv2.fillPoly(mask, [corners], 255)
        mask = cv2.blur(mask, (1 + 2 * (height // 90), 1 + 2 * (height // 90)))
        below = np.clip((rows_in_scene(height, drawn.span) - HORIZON + 0.12) / 0.15, 0, 1)  # the sky has no shadow
        mask = cv2.multiply(mask, np.broadcast_to(below[:, None], mask.shape), dtype=cv2.CV_8U)
        shade = 0.75 - 0.35 * drawn.strength
        sky = (0.92, 1.0, 1.12)  # blue, and all the light that is left
        dark = cv2.LUT(image, np.stack([curve(1.0, shade * tint) for tint in sky], 1)[None])
        return mix(image, dark, mask)
