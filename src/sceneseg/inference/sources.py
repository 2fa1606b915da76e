"""Sources of a prediction: images and videos among files and folders, and what is left out and why."""

import os
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
from PIL import Image as PillowImage

from sceneseg.datasets.files import IMAGES, files_below
from sceneseg.errors import DataError
from sceneseg.inference.video import SUFFIXES as VIDEOS
from sceneseg.records.predictions import outputs_in

FRAMES = {".png", ".apng", ".mpo", ".webp", ".tif", ".tiff", ".gif", ".avif"}
"""Suffixes of images that may hold several."""
JUNK = {".ds_store", "thumbs.db", "desktop.ini"}
HEIC = "HEIC isn't read; convert it to JPEG first, for example with heif-convert or the Python package pillow-heif"


@dataclass(frozen=True)
class Source:
    """An image or video.

    Args:
        file: Where it lies.
        name: What the names of its results begin with; the folders below a given folder are part of it.
    """

    file: Path
    name: str

    @property
    def video(self) -> bool:
        """Whether it is a video."""
        return self.file.suffix.lower() in VIDEOS


@dataclass
class Found:
    """Sources that were found.

    Args:
        sources: Images and videos, in order.
        left_out: Other files -> why they aren't read.
        own: Results of earlier predictions, which are never predicted.
    """

    sources: list[Source] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)
    own: list[Path] = field(default_factory=list)


def find_sources(inputs: Iterable[str | Path], results: Path) -> Found:
    """Look through files and folders.

    Args:
        inputs: Images, videos and folders.
        results: Where results will be written; when it lies inside a given folder, nothing in it is predicted.

    Raises:
        DataError: Something isn't there, or a folder has nothing that can be predicted.
    """
    found, owners = Found(), Owners()
    for given in inputs:
        path = Path(given)
        if not path.exists():
            raise DataError(_missing(str(given)))
        before = len(found.sources)
        if path.is_dir():
            _look_through(path, results, owners, found)
        elif not path.is_file():  # a pipe would be waited for without end
            raise DataError(f"{path}: expected a file or folder, found a pipe or device. Save what it gives first.")
        elif owners.own(path):
            found.own.append(path)
        else:
            found.sources.append(Source(path, path.stem))
        if len(found.sources) == before:
            raise DataError(f"{path}: {_nothing(path, found)}")
    found.sources = once(found.sources)
    return found


def once(sources: Iterable[Source]) -> list[Source]:
    """Leave out files that were named before."""
    by_file: dict[str, Source] = {}
    for source in sources:
        by_file.setdefault(os.path.abspath(source.file), source)
    return list(by_file.values())


class Owners:
    """Knows the results of earlier predictions by the tables in the folders above them."""

    def __init__(self) -> None:
        self._known: dict[Path, set[Path]] = {}

    def own(self, file: Path) -> bool:
        """Return whether a file is a result."""
        full = Path(os.path.abspath(file))
        return any(full in self._of(folder) for folder in full.parents)

    def _of(self, folder: Path) -> set[Path]:
        if folder not in self._known:
            self._known[folder] = outputs_in(folder)
        return self._known[folder]


def has_more_frames(file: Path) -> bool:
    """Return whether an image file holds several images, of which the first is read."""
    if file.suffix.lower() not in FRAMES:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes; the reader looks at them
            with PillowImage.open(file) as image:
                return bool(getattr(image, "is_animated", False))
    except (OSError, ValueError, SyntaxError, EOFError, PillowImage.DecompressionBombError):
        return False


def size_of(file: Path) -> tuple[int, int] | None:
    """Return the size that the head of an image file names; None where it can't be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PillowImage.open(file) as image:
                return image.size
    except (OSError, ValueError, SyntaxError, EOFError, PillowImage.DecompressionBombError):
        return None


def is_heic(file: Path) -> bool:
    """Return whether a file is HEIC by its content, whatever its name."""
    head = _head(file, 12)
    return head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1")


def _look_through(folder: Path, results: Path, owners: Owners, found: Found) -> None:
    root, written = Path(os.path.abspath(folder)), Path(os.path.abspath(results))
    inside = root in written.parents
    for file in files_below(folder):
        full = Path(os.path.abspath(file))
        if owners.own(file):
            found.own.append(file)
        elif inside and written in full.parents:
            found.left_out[file] = "in the folder of the results"
        elif reason := _unread(file):
            found.left_out[file] = reason
        elif file.name.lower() not in JUNK and not file.name.startswith("._"):
            found.sources.append(Source(file, file.relative_to(folder).with_suffix("").as_posix()))


def _unread(file: Path) -> str:
    """Return why a file in a folder isn't read; nothing for images and videos, and for systems' own files."""
    suffix = file.suffix.lower()
    if file.name.lower() in JUNK or file.name.startswith("._"):
        return ""
    if not file.is_file():
        return "a link to nothing" if file.is_symlink() else "not a file"
    if suffix in (".heic", ".heif", ".hif") or is_heic(file):
        return HEIC
    if suffix == ".ts":  # a program in TypeScript has the same ending
        return "" if _head(file, 1) == b"G" else "not a video"
    # hidden files without an image's ending are other programs' temporary ones
    known = suffix in IMAGES | VIDEOS or (file.name[0] != "." and cv2.haveImageReader(str(file)))
    return "" if known else "not an image or video that is read"


def _head(file: Path, count: int) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(count)
    except OSError:
        return b""


def _missing(given: str) -> str:
    if address := re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", given):
        what = f"{address[1]}://{address[2]}: addresses aren't read. Save the stream or file first, then give the file"
    elif given.isdigit():
        what = f"{given}: there is no such file, and cameras aren't read. Record a video first, then give its file"
    elif re.search(r"%0?\d*d|[*?]", given):
        what = f"{given}: there is no such file, and patterns aren't read. Give the folder of the images"
    else:
        what = f"{given}: there is no such file"
    return f"{what}."


def _nothing(path: Path, found: Found) -> str:
    if not path.is_dir():
        return "a result of an earlier prediction, which isn't predicted again. Copy it elsewhere if that is meant."
    own = f"; {len(found.own)} files are results of earlier predictions" if found.own else ""
    others = "".join(f"; {file.name}: {reason}" for file, reason in list(found.left_out.items())[:3])
    known = ", ".join(sorted(IMAGES | VIDEOS))
    return f"no images or videos in there ({known}){own}{others}."
