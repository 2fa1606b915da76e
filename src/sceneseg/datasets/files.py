"""The files below a folder: linked folders are followed, and what a dead link hides is never skipped silently."""

import os
import re
from collections.abc import Collection
from pathlib import Path

from sceneseg.errors import DataError

Entry = os.DirEntry[str]
IMAGES = frozenset(
    {
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"),
        *(".avif", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".qoi", ".sgi", ".pcx"),
    }
)
"""Endings of images, in any case of letters."""


def files_below(folder: Path, endings: Collection[str] = ()) -> list[Path]:
    """Return the files below a folder at any depth, sorted.

    Where images are looked for, hidden folders (`.ipynb_checkpoints`) are passed over as hidden files are.
    A link to a folder outside is followed like a folder. One that leads back into `folder`, or to a folder that holds
    the link, isn't: what it leads to is listed under its own path, and a loop would never end. A link to a file that
    is gone is listed, so that the reader can name it as missing.

    Args:
        folder: Where to look.
        endings: Lower-case endings of the files, whose names may not begin with a full stop; all files if empty.

    Raises:
        DataError: A linked folder is gone, or a folder can't be read.
    """
    start = os.path.realpath(folder)
    found: list[Path] = []
    open_folders: list[tuple[str, tuple[str, ...]]] = [
        (str(folder), (start,))
    ]  # each with the real folders on the way to it, the last its own
    while open_folders:
        inside, way = open_folders.pop()
        folders, files = _contents(inside)
        found += [Path(entry.path) for entry in files if _wanted(entry.name, endings)]
        for entry in folders:
            if endings and entry.name.startswith("."):
                continue
            if not entry.is_symlink():
                open_folders.append((entry.path, (*way[:-1], os.path.join(way[-1], entry.name))))
            elif not _leads_back(target := os.path.realpath(entry.path), start, way):
                open_folders.append((entry.path, (*way, target)))
    return sorted(found)


def files_in(folder: Path, endings: Collection[str] = IMAGES) -> list[Path]:
    """Return the files that lie directly in a folder, sorted; `endings` and errors are as in `files_below`."""
    return sorted(Path(entry.path) for entry in _contents(str(folder))[1] if _wanted(entry.name, endings))


def folders_in(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, linked ones too, hidden ones not, sorted.

    Raises:
        DataError: A linked folder is gone, or the folder can't be read.
    """
    return sorted(entry.name for entry in _contents(str(folder))[0] if not entry.name.startswith("."))


def _contents(folder: str) -> tuple[list[Entry], list[Entry]]:
    """Return the folders and the files in a folder."""
    try:
        with os.scandir(folder) as entries:
            listed = list(entries)
    except OSError as error:
        raise DataError(f"{folder}: the folder can't be read ({error.strerror}).") from None
    folders: list[Entry] = []
    files: list[Entry] = []
    for entry in listed:
        if not entry.is_symlink():
            (folders if entry.is_dir() else files).append(entry)
        elif os.path.isdir(entry.path):
            folders.append(entry)
        else:
            _check_link(entry)
            files.append(entry)
    return folders, files


def _wanted(name: str, endings: Collection[str]) -> bool:
    return not endings or (not name.startswith(".") and os.path.splitext(name)[1].lower() in endings)


def _leads_back(target: str, start: str, way: tuple[str, ...]) -> bool:
    """Return whether a linked folder lies below the start, or holds one that is being walked."""
    return Path(target).is_relative_to(start) or any(Path(walked).is_relative_to(target) for walked in way)


def _check_link(entry: Entry) -> None:
    """Refuse a dead link without an ending: it led to a folder, and nobody would miss the files in it."""
    ending = os.path.splitext(entry.name)[1]
    if entry.name.startswith(".") or re.fullmatch(r"\.[A-Za-z]\w*", ending) or os.path.exists(entry.path):
        return
    raise DataError(
        f"{entry.path}: the link leads to a folder that doesn't exist. Restore the folder, or remove the link."
    )
