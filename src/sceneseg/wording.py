"""Words around numbers, and paths in commands."""

import shlex
from pathlib import Path


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun.

    Args:
        number: How many.
        noun: In the singular.
        plural: Where it isn't the singular with an s.

    >>> counted(1, "image"), counted(2975, "image"), counted(0, "class", "classes")
    ('1 image', '2,975 images', '0 classes')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def quoted(path: str | Path) -> str:
    """Return a path as a shell takes it, for commands that can be pasted.

    >>> quoted("runs/a"), quoted("my run")
    ('runs/a', "'my run'")
    """
    return shlex.quote(str(path))
