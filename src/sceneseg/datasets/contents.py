"""Summary of a split: enough to tell later whether it is still the same, and if not, what has changed."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from sceneseg.datasets.packed import Packed
from sceneseg.errors import DataError

THREADS = 16
"""Files that are looked at together: disks and networks answer many questions as fast as one."""
WHOLE = 2**16
"""Images up to this size in bytes are digested whole, larger ones in part."""
BLOCKS, BLOCK = 4, 2**14
"""How many blocks of a large image are digested, and how many bytes each has."""
PLAIN = frozenset({".bmp", ".ppm", ".pgm", ".pnm", ".tif", ".tiff"})
"""Endings of images that may be stored without compression, where a change stays where it is: digested whole."""
SAMPLED = 256
"""Scenes that are looked at where each must be computed or read by a Python program."""
PARTS = {"image": "image", "labels": "mask", "instances": "instance file"}

Mark = tuple[Any, ...]
"""Of a file: size in bytes, times of its last changes in ns (content, place), digest. Of anything else: a digest."""


@dataclass(frozen=True)
class Contents:
    """Summary of a split.

    Args:
        meaning: Digest of the classes and of the ids and colors that stand for them.
        scenes: By name, in the order of the split: part ("image", "labels", "instances") -> its mark.
    """

    meaning: str
    scenes: dict[str, dict[str, Mark]]

    def to_dict(self) -> dict[str, object]:
        """Return plain data."""
        return {"meaning": self.meaning, "scenes": self.scenes}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Contents":
        """Read what `to_dict` returned."""
        scenes = {name: {part: tuple(mark) for part, mark in parts.items()} for name, parts in data["scenes"].items()}
        return cls(data["meaning"], scenes)


def contents(dataset: Any, before: Contents | None = None) -> Contents:
    """Look at every scene of a split.

    Files with the size and the times that they had before aren't read. Masks are digested whole; of images that are
    larger than 64 KiB, as a change to a compressed image moves all that follows, four blocks.

    Args:
        dataset: The split: of scenes, or of images with a class each.
        before: What it held earlier.

    Raises:
        DataError: A file can't be read.
    """
    known = before.scenes if before else {}
    count = len(dataset)
    if isinstance(dataset, Packed):
        marks: Iterable[dict[str, Mark]] = (
            {k: (v[:16],) for k, v in dataset.entry(i).sha256.items()} for i in range(count)
        )
    elif all(_paths(files).get("image", Path()).is_file() for files in dataset.files[:1]):
        with ThreadPoolExecutor(THREADS) as pool:
            earlier = [known.get(name, {}) for name in _names(dataset)]
            marks = list(pool.map(_mark_files, dataset.files, earlier))
    else:
        marks = _mark_scenes(dataset)
    return Contents(_meaning(dataset), dict(zip(_names(dataset), marks, strict=True)))


def changes(before: Contents, now: Contents) -> list[str]:
    """Describe the differences, one phrase for each kind of change; empty when nothing has changed."""
    old, new = before.scenes, now.scenes
    both = [name for name in new if old.get(name) and new[name]]  # a program's scenes aren't all looked at
    found = [
        _phrase([name for name in new if name not in old], "image", "added"),
        _phrase([name for name in old if name not in new], "image", "removed"),
        *(
            _phrase([n for n in both if not _same(old[n].get(part), new[n].get(part))], word, "changed")
            for part, word in PARTS.items()
        ),
    ]
    if before.meaning != now.meaning:
        found.append("the classes, or the ids or colors that stand for them, changed")
    if not any(found) and list(old) != list(new):
        found.append("the order of the images changed")
    return [phrase for phrase in found if phrase]


def _same(old: Mark | None, new: Mark | None) -> bool:
    return old == new or (old is not None and new is not None and old[-1] == new[-1] and (old[0] == new[0]))


def _phrase(names: Sequence[str], thing: str, what: str, shown: int = 4) -> str:
    if not names:
        return ""
    more = ", ..." if len(names) > shown else ""
    return f"{len(names)} {thing}{'s' if len(names) > 1 else ''} {what} ({', '.join(names[:shown])}{more})"


def _names(dataset: Any) -> list[str]:
    """Return the scenes' names, unlike ones also where a list has a scene several times."""
    seen: Counter[str] = Counter()
    names = []
    for files in dataset.files:
        seen[files.name] += 1
        names.append(files.name if seen[files.name] == 1 else f"{files.name} ({seen[files.name]})")
    return names


def _meaning(dataset: Any) -> str:
    """Digest what the stored ids mean."""
    space = getattr(dataset, "label_space", None)
    named = dataset.classes if space is None else [(c.name, c.label_ids) for c in space.classes]
    void = () if space is None else sorted(space.void_ids)
    colors = getattr(getattr(dataset, "description", None), "colors", {})
    return _digest([repr((list(named), void, sorted(map(repr, dict(colors or {}).items())))).encode()])


def _paths(files: Any) -> dict[str, Path]:
    found = {part: getattr(files, part, None) for part in PARTS}
    return {part: path for part, path in found.items() if isinstance(path, Path)}


def _mark_files(files: Any, known: Mapping[str, Mark]) -> dict[str, Mark]:
    return {part: _mark(path, part == "image", known.get(part)) for part, path in _paths(files).items()}


def _mark(path: Path, image: bool, known: Mark | None) -> Mark:
    try:
        stat = path.stat()
        facts = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        if known is not None and known[:-1] == facts:
            return known
        with path.open("rb") as file:
            if not image or stat.st_size <= WHOLE or path.suffix.lower() in PLAIN:
                return (*facts, _digest(iter(partial(file.read, 2**20), b"")))
            starts = [(stat.st_size - BLOCK) * i // (BLOCKS - 1) for i in range(BLOCKS)]
            return (*facts, _digest(os.pread(file.fileno(), BLOCK, start) for start in starts))
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror or error}).") from None


def _mark_scenes(dataset: Any) -> list[dict[str, Mark]]:
    """Digest what a program's scenes give, or nothing where they are others each time."""
    count = len(dataset)
    held = isinstance(getattr(dataset, "pairs", None), list | tuple)
    requested = set(range(count)) if held else {count * i // SAMPLED for i in range(SAMPLED)}
    if _mark_scene(dataset, 0) != _mark_scene(dataset, 0):
        requested = set()
    return [_mark_scene(dataset, i) if i in requested else {} for i in range(count)]


def _mark_scene(dataset: Any, i: int) -> dict[str, Mark]:
    scene = dataset.read(i)
    arrays = {part: getattr(scene, part, None) for part in PARTS}
    return {
        part: (_digest([str((array.shape, array.dtype)).encode(), np.ascontiguousarray(array).tobytes()]),)
        for part, array in arrays.items()
        if isinstance(array, np.ndarray)
    }


def _digest(pieces: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=8)
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
