"""Adapter for the transforms of albumentations."""

from copy import deepcopy
from importlib import import_module
from random import Random
from typing import Any

import cv2
import numpy as np

from sceneseg.errors import ConfigError
from sceneseg.transforms._masks import as_masks, check_type, with_masks
from sceneseg.transforms.base import Sample, SampleInfo, SampleTransform

TARGETS = ("mask", "complement", "instances")


class AlbumentationsTransform(SampleTransform[int]):
    """A transform of albumentations, with random numbers of the sample's own.

    Labels and instances are always moved by nearest neighbor, and are void (255 and 0) where the transform fills in.
    What changes the size or type of the image (a crop, a normalization, a tensor) is refused when it does so.

    Raises:
        ConfigError: This albumentations is older than 2.0.

    Source: Buslaev et al., "Albumentations: fast and flexible image augmentations", Information 2020.

    Args:
        transform: An object of albumentations, also a ``Compose``; it is copied.

    Example:
        >>> import albumentations as A  # doctest: +SKIP
        >>> sceneseg.train("fast_scnn", "camvid", transforms=[A.MotionBlur(p=0.2)])  # doctest: +SKIP
    """

    def __init__(self, transform: Any) -> None:
        albumentations: Any = import_module("albumentations")

        self.transform = transform
        copy = deepcopy(transform)
        _take_nearest(copy)
        others = dict.fromkeys(TARGETS[1:], "mask")
        self._compose = albumentations.Compose([copy], additional_targets=others)
        if not hasattr(self._compose, "set_random_state"):
            raise ConfigError(
                f"Expected albumentations 2.0 or later, whose random numbers can be seeded, found "
                f"{albumentations.__version__}. Update it: pip install -U albumentations",
                field="transforms",
            )

    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> int:
        """Draw a seed."""
        return int(rng.integers(2**31))

    def apply(self, sample: Sample, drawn: int) -> Sample:
        """Return the sample as the transform makes it with that seed.

        Raises:
            DataError: The image is neither uint8 nor float32.
        """
        check_type(sample, "albumentations")
        given = dict(zip(TARGETS, as_masks(sample), strict=False))
        # one generator for all within it: after set_random_seed, each would draw the same numbers
        self._compose.set_random_state(np.random.default_rng(drawn), Random(drawn))
        found = self._compose(image=sample.image, **given)
        return with_masks(sample, found["image"], [found[name] for name in given])


def _take_nearest(transform: Any) -> None:
    """Make a transform, and all within it, move masks by nearest neighbor."""
    if hasattr(transform, "mask_interpolation"):
        transform.mask_interpolation = cv2.INTER_NEAREST
    for part in getattr(transform, "transforms", None) or []:
        _take_nearest(part)
