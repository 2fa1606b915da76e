"""Distinct names of the measured models."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sceneseg.standalone import unique
from sceneseg.user_files import short_name


def telling_names(paths: Sequence[str | Path]) -> list[str]:
    """Return of each path as much of its end as no other has: camvid/unet and demo/unet, but bisenet for runs/bisenet.

    Args:
        paths: Models by name, run directories and weights files; what is given twice is numbered.
    """
    parts = [_parts(path) for path in paths]
    lengths = [1] * len(parts)
    while True:
        names = ["/".join(own[-n:]) for own, n in zip(parts, lengths, strict=True)]
        often = Counter(names)
        longer = [i for i, name in enumerate(names) if often[name] > 1 and lengths[i] < len(parts[i])]
        if not longer:
            return unique(names)
        for i in longer:
            lengths[i] += 1


def _parts(path: str | Path) -> tuple[str, ...]:
    """Return a model's name, or the parts of a path from the root on without the suffix of a file."""
    if isinstance(path, str):
        return (short_name(path),)
    whole = Path(os.path.abspath(path))  # also of "."; a link keeps its own name
    return (whole if path.is_dir() else whole.with_suffix("")).parts[1:]
