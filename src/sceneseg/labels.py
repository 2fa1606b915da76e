"""Label spaces: what the ids stored on disk mean, and how they become the train ids a model learns."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sceneseg.errors import DataError

IGNORE_INDEX = 255
"""The train id of pixels that carry no class: they count neither in a loss nor in a score."""

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LabelClass:
    """One class of a label space.

    Args:
        name: As people write it, "traffic light".
        color: RGB, 0..255.
        label_ids: The stored ids that mean this class; predictions are written back with the first.
        category: The group it belongs to ("vehicle"), or "" when the space has none.
        has_instances: Whether single objects are told apart (things), as opposed to stuff.
    """

    name: str
    color: tuple[int, int, int]
    label_ids: tuple[int, ...]
    category: str = ""
    has_instances: bool = False


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a task in the order of their train ids, and the stored ids that are void.

    Args:
        name: For messages and file headers, "cityscapes".
        classes: Train id i is ``classes[i]``.
        void_ids: Stored ids that are known and mean "no class" (train id 255).
        void_label_id: What is written for void when labels go back to disk.
    """

    name: str
    classes: tuple[LabelClass, ...]
    void_ids: tuple[int, ...] = ()
    void_label_id: int = 0

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> list[str]:
        """Class names in the order of their train ids."""
        return [c.name for c in self.classes]

    @property
    def categories(self) -> list[str]:
        """Category names in the order in which they first occur; empty when the space has none."""
        return list(dict.fromkeys(c.category for c in self.classes if c.category))

    @cached_property
    def palette(self) -> npt.NDArray[np.uint8]:
        """The colour of every train id, (256, 3) uint8 RGB; void and unused ids are black."""
        palette = np.zeros((256, 3), np.uint8)
        for i, c in enumerate(self.classes):
            palette[i] = c.color
        return palette

    @cached_property
    def _encoding(self) -> npt.NDArray[np.int16]:
        highest = max(max((*c.label_ids, 0)) for c in self.classes)
        table = np.full(max(256, highest + 1, max(self.void_ids, default=0) + 1), -1, np.int16)
        for i, c in enumerate(self.classes):
            table[list(c.label_ids)] = i
        table[list(self.void_ids)] = IGNORE_INDEX
        return table

    def encode(self, label_ids: npt.NDArray[Any], where: object = "the label image") -> Labels:
        """Turn stored label ids into train ids.

        Args:
            label_ids: (H, W), any integer type.
            where: The file, for the message.

        Returns:
            (H, W) uint8 train ids, 255 where void.

        Raises:
            DataError: An id that this space doesn't know.
        """
        table = self._encoding
        if label_ids.dtype == np.uint8 and table.size == 256:
            labels = table[label_ids]
        else:
            inside = (label_ids >= 0) & (label_ids < table.size)
            labels = np.where(inside, table[np.where(inside, label_ids, 0)], -1)
        if (labels < 0).any():
            self._refuse(label_ids[labels < 0], where)
        encoded: Labels = labels.astype(np.uint8)
        return encoded

    def decode(self, labels: Labels) -> npt.NDArray[np.uint8]:
        """Turn train ids (H, W) back into stored label ids; void becomes `void_label_id`."""
        table = np.full(256, self.void_label_id, np.uint8)
        for i, c in enumerate(self.classes):
            table[i] = c.label_ids[0]
        decoded: npt.NDArray[np.uint8] = table[labels]
        return decoded

    def _refuse(self, bad: npt.NDArray[Any], where: object) -> None:
        ids, counts = np.unique(bad, return_counts=True)
        found = ", ".join(f"{i} ({n} pixels)" for i, n in zip(ids[:5], counts[:5], strict=True))
        known = sorted({i for c in self.classes for i in c.label_ids} | set(self.void_ids))
        raise DataError(
            f'{where}: found label id {found}; the label space "{self.name}" knows {_ranges(known)}. '
            f"Add the id to the label space, or repair the file."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for YAML and for the header of a weights file."""
        return {
            "name": self.name,
            "classes": [
                {
                    "name": c.name,
                    "color": list(c.color),
                    "label_ids": list(c.label_ids),
                    "category": c.category,
                    "has_instances": c.has_instances,
                }
                for c in self.classes
            ],
            "void_ids": list(self.void_ids),
            "void_label_id": self.void_label_id,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "LabelSpace":
        """Build a label space from what `to_dict` returned."""
        classes = tuple(
            LabelClass(
                c["name"],
                (c["color"][0], c["color"][1], c["color"][2]),
                tuple(c["label_ids"]),
                c.get("category", ""),
                c.get("has_instances", False),
            )
            for c in data["classes"]
        )
        return cls(data["name"], classes, tuple(data.get("void_ids", ())), data.get("void_label_id", 0))


def _ranges(ids: Iterable[int]) -> str:
    """Write sorted integers shortly: [0, 1, 2, 7] -> "0-2, 7"."""
    runs: list[list[int]] = []
    for i in ids:
        if runs and i == runs[-1][1] + 1:
            runs[-1][1] = i
        else:
            runs.append([i, i])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
