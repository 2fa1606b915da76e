"""Looking up what stored ids mean, for every pixel of a mask: in a table, or where ids are high in a sorted list."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

VOID = 255
UNKNOWN = 254
"""Stands for ids without a meaning while bytes are looked up."""
TABLE = 65536
"""Ids below are in a table; one up to 4294967295, which programs write for no data, would take 8 GiB."""


class IdLookup:
    """The train id of every stored id.

    Args:
        meanings: Train id, 0 to 255, of each stored id that has a meaning; stored ids may be of any size.
    """

    def __init__(self, meanings: Mapping[int, int]) -> None:
        low = {stored: train_id for stored, train_id in meanings.items() if 0 <= stored < TABLE}
        self.table = np.full(max(256, max(low, default=0) + 1), -1, np.int16)
        self.table[list(low)] = list(low.values())
        self.bytes: npt.NDArray[np.uint8] | None = None
        if self.table.size == 256 and not any(train_id == UNKNOWN for train_id in low.values()):
            self.bytes = np.where(self.table < 0, UNKNOWN, self.table).astype(np.uint8)
        possible = sorted(stored for stored in meanings if -(2**63) <= stored < 2**63)  # no mask can hold others
        self.keys = np.array(possible, np.int64)
        self.values = np.array([meanings[stored] for stored in possible], np.int16)
        self.has_all = len(possible) == len(low)

    def __call__(self, stored: npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_] | None]:
        """Look up a mask.

        Args:
            stored: (H, W) of any integer type.

        Returns:
            (H, W) train ids, and where the stored ids have no meaning; None: nowhere.
        """
        if stored.dtype == np.uint8 and self.bytes is not None:
            import cv2  # looks up bytes ten times as fast as NumPy does; others come here without pixels

            quick: npt.NDArray[Any] = cv2.LUT(stored, self.bytes)
            if not (quick == UNKNOWN).any():
                return quick.astype(np.uint8, copy=False), None
        in_table = self.has_all or stored.dtype in (np.uint8, np.uint16)
        found = self._in_table(stored) if in_table else self._in_list(stored)
        unknown = found < 0
        return found.astype(np.uint8), unknown if unknown.any() else None

    def _in_table(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        inside = (stored >= 0) & (stored < self.table.size)
        return np.where(inside, self.table[np.where(inside, stored, 0)], np.int16(-1))

    def _in_list(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        if stored.dtype == np.uint64:
            stored = np.where(stored < 2**63, stored, 2**63 - 1)
        signed = stored.astype(np.int64)
        at = np.searchsorted(self.keys, signed).clip(max=len(self.keys) - 1)
        return np.where(self.keys[at] == signed, self.values[at], np.int16(-1))
