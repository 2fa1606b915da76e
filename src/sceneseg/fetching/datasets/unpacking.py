"""Archives from the network, unpacked as if somebody had made them with malice.

Every entry is judged before the first byte is written: only plain files and folders, only below the folder they are
unpacked into, and no more of them than images could need.
"""

import lzma
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple, NoReturn

from sceneseg.errors import DataError
from sceneseg.fetching.checks import require_space
from sceneseg.fetching.progress import ProgressReporter

MAX_FILES = 200_000
MAX_GROWTH = 20  # label images and polygons shrink to a fifth or so; a bomb shrinks to a thousandth
ALWAYS_ALLOWED = 100_000_000  # bytes, however small the archive
_CHUNK = 1 << 20
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, OverflowError, RuntimeError, ValueError),
)
"""What reading an archive raises that isn't whole."""


class BadArchiveError(DataError):
    """An archive that is damaged, unsafe or of something else, and is of no use on disk."""


class _Entry(NamedTuple):
    name: str
    size: int
    is_folder: bool
    member: Any


def unpack(archive: Path, folder: Path, below: str, watch: ProgressReporter) -> None:
    """Unpack a zip or tar file.

    Args:
        archive: Read as zip when it is called so, else as tar, compressed or not.
        folder: Made when it isn't there.
        below: Only what lies in this folder of the archive is unpacked, without that prefix.
        watch: Hears the progress.

    Raises:
        BadArchiveError: It can't be read, holds an unsafe entry, or grows beyond all measure.
        TransferError: There is no room for it.
    """
    try:
        with _opened(archive) as opened:
            entries = _judged(archive, opened)
            requested = {path: e for e in entries if (path := _below(e.name, below)) is not None and not e.is_folder}
            if not requested:
                raise BadArchiveError(f"{archive.name}: expected a folder {below or 'with files'} in it, found none.")
            total = sum(e.size for e in requested.values())
            require_space(folder, total, f"unpacking {archive.name}")
            done = 0
            for path, entry in requested.items():
                _write(opened, entry, folder / path)
                done += entry.size
                watch.progress(f"unpacking {archive.name}", done, total)
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.filename is not None:  # of the disk
            raise
        raise BadArchiveError(
            f"{archive.name}: expected a whole {'zip' if _is_zip(archive) else 'tar'} archive, found a damaged one or "
            f"something else, perhaps a web page ({error})."
        ) from error


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    opened = zipfile.ZipFile(archive) if _is_zip(archive) else tarfile.open(archive)  # noqa: SIM115
    with opened:
        yield opened


def _judged(archive: Path, opened: zipfile.ZipFile | tarfile.TarFile) -> list[_Entry]:
    """List the entries, and stop at the first that is unsafe or one too many."""
    limit = max(ALWAYS_ALLOWED, MAX_GROWTH * archive.stat().st_size)
    entries: list[_Entry] = []
    total = 0
    for entry in _zip_entries(opened) if isinstance(opened, zipfile.ZipFile) else _tar_entries(opened):
        _refuse_outside(archive, entry.name)
        entries.append(entry)
        total += entry.size
        if total > limit or len(entries) > MAX_FILES:
            _refuse(archive, f"more than {limit:,} bytes or {MAX_FILES:,} files, as no set of images has")
    return entries


def _zip_entries(opened: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in opened.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive comes from Windows
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            _refuse(Path(str(opened.filename)), f'"{info.filename}", which is a link or a device')
        if not info.filename:
            _refuse(Path(str(opened.filename)), "an entry without a name")
        yield _Entry(info.filename, info.file_size, info.is_dir(), info)


def _tar_entries(opened: tarfile.TarFile) -> Iterator[_Entry]:
    for member in opened:
        archive = Path(str(opened.name))
        if not (member.isreg() or member.isdir()):
            _refuse(archive, f'"{member.name}", which is a link or a device')
        _refuse_outside(archive, member.name)  # first, because the filter would quietly make /etc/x to etc/x
        tarfile.data_filter(member, str(archive.parent))
        yield _Entry(member.name, member.size, member.isdir(), member)


def _refuse_outside(archive: Path, name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or re.match("[A-Za-z]:", name):
        _refuse(archive, f'"{name}", which leads out of its folder')


def _refuse(archive: Path, what: str) -> NoReturn:
    raise BadArchiveError(f"{archive.name}: expected images, found {what}. Nothing of it was unpacked.")


def _below(name: str, below: str) -> PurePosixPath | None:
    path = PurePosixPath(name)
    return path.relative_to(below) if path.is_relative_to(below) else None


def _write(opened: zipfile.ZipFile | tarfile.TarFile, entry: _Entry, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    stream: IO[bytes] | None
    stream = opened.open(entry.member) if isinstance(opened, zipfile.ZipFile) else opened.extractfile(entry.member)
    assert stream is not None  # only plain files come here
    with stream, target.open("wb") as out:
        shutil.copyfileobj(stream, out, _CHUNK)


def _is_zip(archive: Path) -> bool:
    return archive.suffix == ".zip"
