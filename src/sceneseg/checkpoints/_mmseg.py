"""Common ground of all checkpoints of mmsegmentation: meta data, normalization, license.

Its files hold ``{"meta": ..., "state_dict": ...}``; version 0.x writes CLASSES and PALETTE into the meta data, 1.x a
mapping "dataset_meta". Names of tensors begin with backbone, neck, decode_head and auxiliary_head.
"""

from abc import ABC
from typing import ClassVar

from sceneseg.checkpoints.base import Convention, Origin
from sceneseg.checkpoints.label_spaces import named_space, names
from sceneseg.checkpoints.reading import Checkpoint, CheckpointMeta
from sceneseg.errors import RunError
from sceneseg.labels import Color, LabelClass, LabelSpace

CITYSCAPES = 19
ADE20K = 150
BY_OUTPUTS = {
    CITYSCAPES: "cityscapes",
    ADE20K: "ade20k",
    21: "pascal_voc",
    59: "pascal_context_59",
    60: "pascal_context_60",
    171: "coco_stuff",
}
"""Number of outputs -> the data set that most likely has so many classes."""
AUXILIARY = r"^auxiliary_head\."
UNUSED = r"^decode_head\.conv_seg\."
"""A layer that every head of the library makes, and that some never call."""


class MMSegOrigin(Origin, ABC):
    """Files of one architecture, as mmsegmentation writes them."""

    title = "open-mmlab/mmsegmentation"
    url = "https://github.com/open-mmlab/mmsegmentation"
    license = "Apache-2.0"
    training_only: ClassVar[tuple[str, ...]] = (AUXILIARY,)

    def convention(self, checkpoint: Checkpoint, outputs: int) -> Convention:
        """Return ImageNet's normalization, and the classes that the meta data names."""
        return Convention(space_by_outputs(checkpoint, outputs))


def space_by_outputs(checkpoint: Checkpoint, outputs: int) -> str | LabelSpace:
    """Return the label space that a file names, else the one that the number of outputs tells.

    Raises:
        RunError: Neither tells.
    """
    meta = checkpoint.meta
    if meta.classes and len(meta.classes) == outputs:
        return space_of(meta)
    if outputs not in BY_OUTPUTS:
        raise RunError(
            f"{checkpoint.file}: expected the names of its {outputs} classes in its meta data, found none, and no data "
            f"set known here has so many. Take the file as it was published."
        )
    return BY_OUTPUTS[outputs]


def space_of(meta: CheckpointMeta) -> str | LabelSpace:
    """Return the known label space with exactly these classes, else one made of them."""
    for name in names():
        if tuple(named_space(name).names) == meta.classes:
            return name
    known = {CITYSCAPES: ("road", "bicycle"), ADE20K: ("wall", "flag")}.get(len(meta.classes))
    if known == (meta.classes[0], meta.classes[-1]):
        return BY_OUTPUTS[len(meta.classes)]
    palette = meta.palette if len(set(meta.palette)) == len(meta.classes) else _colors(len(meta.classes))
    classes = [LabelClass(name, palette[i], (i,)) for i, name in enumerate(meta.classes)]
    return LabelSpace("checkpoint", tuple(classes), void_label_id=255)


def _colors(count: int) -> tuple[Color, ...]:
    """Return colors that differ, as Pascal VOC chooses them: the bits of the number, spread over the channels."""
    return tuple(
        (
            sum((i >> 3 * bit & 1) << 7 - bit for bit in range(3)),
            sum((i >> 3 * bit + 1 & 1) << 7 - bit for bit in range(3)),
            sum((i >> 3 * bit + 2 & 1) << 7 - bit for bit in range(3)),
        )
        for i in range(1, count + 1)
    )
