"""Labels and instances as masks of another library: nearest neighbor, and void where it fills in."""

from dataclasses import replace

import numpy as np

from sceneseg.arrays import AnyArray
from sceneseg.errors import DataError
from sceneseg.labels import IGNORE_INDEX
from sceneseg.transforms.base import Sample


def as_masks(sample: Sample) -> list[AnyArray]:
    """Return labels, their complement and instances (as float32, which every library can warp), as far as they exist.

    A pixel that a library has filled in has the same value in labels and complement, for any fill; any other
    adds up to 255. So nobody must know what the library fills in.
    """
    if sample.labels is None:
        return []
    masks: list[AnyArray] = [sample.labels, IGNORE_INDEX - sample.labels]
    return masks if sample.instances is None else [*masks, sample.instances.astype(np.float32)]


def with_masks(sample: Sample, image: AnyArray, masks: list[AnyArray]) -> Sample:
    """Return a sample with a changed image and the changed masks of `as_masks`; void where they were filled in.

    Example:
        >>> sample = Sample(np.zeros((1, 3, 3), np.uint8), np.zeros((1, 3), np.uint8))
        >>> labels, complement = np.array([[3, 255, 0]], np.uint8), np.array([[252, 0, 0]], np.uint8)
        >>> with_masks(sample, sample.image, [labels, complement]).labels.tolist()
        [[3, 255, 255]]
    """
    if not masks:
        return replace(sample, image=image)
    labels, complement, *others = masks
    if labels.shape != complement.shape or image.shape[:2] != labels.shape:
        return replace(sample, image=image, labels=labels)  # sizes are refused by the pipeline
    filled = labels + complement != IGNORE_INDEX  # both are uint8, so that the sum is, too
    instances = np.where(filled, 0, others[0]).astype(np.int32) if others else sample.instances
    return replace(sample, image=image, labels=np.where(filled, np.uint8(IGNORE_INDEX), labels), instances=instances)


def check_type(sample: Sample, library: str) -> None:
    """Refuse images of a type that the other libraries don't take.

    Raises:
        DataError: The image is neither uint8 nor float32, or the labels aren't uint8.
    """
    if sample.image.dtype not in (np.uint8, np.float32):
        raise DataError(f"{library} transforms take uint8 or float32 images, found {sample.image.dtype}.")
    if sample.labels is not None and sample.labels.dtype != np.uint8:
        raise DataError(f"{library} transforms take uint8 labels here, found {sample.labels.dtype}.")
