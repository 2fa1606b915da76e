"""Adapter for the transforms of torchvision, version 2."""

from importlib import import_module
from typing import Any

import numpy as np
import torch

from sceneseg.transforms._masks import as_masks, check_type, with_masks
from sceneseg.transforms.base import Sample, SampleInfo, SampleTransform


class TorchvisionTransform(SampleTransform[int]):
    """A transform of ``torchvision.transforms.v2``, with random numbers of the sample's own.

    Labels and instances are moved by nearest neighbor, and are void (255 and 0) where the transform fills in. What
    changes the size or type of the image (a crop, a normalization) is refused when it does so.

    Args:
        transform: An object of ``torchvision.transforms.v2``, also a ``Compose``.

    Example:
        >>> from torchvision.transforms import v2  # doctest: +SKIP
        >>> sceneseg.train("fast_scnn", "camvid", transforms=[v2.RandomPosterize(4)])  # doctest: +SKIP
    """

    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> int:
        """Draw a seed."""
        return int(rng.integers(2**63))

    def apply(self, sample: Sample, drawn: int) -> Sample:
        """Return the sample as the transform makes it with that seed; PyTorch's random numbers stay what they were.

        Raises:
            DataError: The image is neither uint8 nor float32.
        """
        check_type(sample, "torchvision")
        tv_tensors: Any = import_module("torchvision.tv_tensors")
        image = tv_tensors.Image(torch.from_numpy(np.array(sample.image)).permute(2, 0, 1))
        masks = [tv_tensors.Mask(torch.from_numpy(np.array(mask))) for mask in as_masks(sample)]
        before = torch.get_rng_state()
        try:
            torch.default_generator.manual_seed(drawn)
            found = self.transform(image, *masks)
        finally:
            torch.set_rng_state(before)
        changed, *masks = found if masks else [found]
        pixels = np.ascontiguousarray(changed.permute(1, 2, 0).numpy())
        return with_masks(sample, pixels, [mask.numpy() for mask in masks])
