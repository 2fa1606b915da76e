"""Findings of the doctor: a kind, the files, why it matters and how to cure it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from sceneseg.datasets.base import SceneDataset
from sceneseg.datasets.folder import Folder
from sceneseg.datasets.masks import MaskReading
from sceneseg.doctor.facts import MOST_COLORS, Pair
from sceneseg.labels import LabelSpace

SHOWN = 3
SMOOTH = 16
"""Unknown ids from which on they come from smooth resizing or JPEG, if they have few pixels."""


@dataclass(frozen=True)
class Finding:
    """Problem found in a data set.

    Args:
        kind: Its name, "jpeg-masks".
        severity: An "error" spoils training or scores; a "warning" should be known.
        what: A sentence.
        where: The files or classes concerned, sorted.
        why: What it does to training or scores.
        cure: What to do.

    Example:
        >>> import sceneseg
        >>> finding = sceneseg.Finding("missing-masks", "error", "1 image has no mask", ("a.png",), "Why.", "Add it.")
        >>> str(finding)
        '1 image has no mask (a.png). Why. Add it.'
    """

    kind: str
    severity: Literal["error", "warning"]
    what: str
    where: tuple[str, ...]
    why: str
    cure: str

    @property
    def count(self) -> int:
        """Number of files or classes concerned."""
        return len(self.where)

    def __str__(self) -> str:
        more = f" and {self.count - SHOWN} more" if self.count > SHOWN else ""
        where = f" ({', '.join(self.where[:SHOWN])}{more})" if self.where else ""
        return f"{self.what}{where}. {self.why} {self.cure}"


@dataclass(frozen=True)
class Patient:
    """A data set as it was examined.

    Args:
        datasets: By split.
        parts: The pairs of each split.
    """

    datasets: dict[str, SceneDataset]
    parts: dict[str, list[Pair]]

    @property
    def space(self) -> LabelSpace:
        """Label space of the data set."""
        return next(iter(self.datasets.values())).label_space

    @property
    def in_memory(self) -> bool:
        """Whether its scenes are held by a program, so that there are no files to change."""
        return any(pair.in_memory for pair in self.pairs)

    @cached_property
    def table(self) -> MaskReading | None:
        """Colors of the masks and their meaning, where the data set's description has them."""
        dataset = next(iter(self.datasets.values()))
        return dataset.reading if isinstance(dataset, Folder) and dataset.reading.colors else None

    @cached_property
    def known_ids(self) -> set[int]:
        """All ids of the label space."""
        return {label_id for c in self.space.classes for label_id in c.label_ids} | set(self.space.void_ids)

    @cached_property
    def smooth(self) -> bool:
        """Whether the masks have so many unknown ids with so few pixels that these can't be forgotten classes."""
        pixels: Counter[int] = Counter()
        for pair in self.pairs:
            if not pair.has_lossy_mask and not pair.is_swapped:
                pixels.update(pair.values or {})
        unknown = [count for value, count in pixels.items() if value not in self.known_ids]
        return len(unknown) >= SMOOTH and 2 * sum(unknown) < pixels.total()

    def is_smooth(self, pair: Pair) -> bool:
        """Whether a mask holds values in between, as JPEG or smooth resizing leave them."""
        if pair.has_lossy_mask or pair.is_swapped:
            return False
        if pair.values is None:
            return len(pair.colors) > MOST_COLORS or self._is_between(pair)
        return self.smooth and bool(pair.values.keys() - self.known_ids)

    def _is_between(self, pair: Pair) -> bool:
        """Whether a mask has most of its pixels in colors of the table, and the others in very many other colors."""
        if self.table is None:
            return False
        unknown = [pixels for code, pixels in pair.colors.items() if code not in self.table.colors]
        return len(unknown) >= SMOOTH and 2 * sum(unknown) < sum(pair.colors.values())

    @property
    def pairs(self) -> list[Pair]:
        """All pairs of all splits."""
        return [pair for part in self.parts.values() for pair in part]


Rule = Callable[[Patient], Iterable[Finding]]


def paths(found: Iterable[Path]) -> tuple[str, ...]:
    """Return files as they stand in a finding."""
    return tuple(sorted(map(str, found)))


def of_masks(pairs: Iterable[Pair]) -> tuple[str, ...]:
    """Return the masks of pairs as they stand in a finding; of scenes in memory, their names."""
    return paths(Path(pair.files.name) if pair.in_memory else pair.files.labels or pair.files.image for pair in pairs)


def plural(items: Sequence[object], one: str, many: str) -> str:
    """Write "1 image" or "3 images"."""
    return f"{len(items)} {one if len(items) == 1 else many}"
