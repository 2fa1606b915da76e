"""Checks before and after a download: room on the disk, the right bytes, and no second one at work."""

import hashlib
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from rich.filesize import decimal

from sceneseg.errors import TransferError
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.records import locks

_CHUNK = 1 << 20


def require_space(folder: Path, needed: int, what: str) -> None:
    """Check that the disk of `folder`, which need not exist yet, has `needed` bytes left.

    Raises:
        TransferError: It hasn't.
    """
    exists = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(exists).free
    if free < needed:
        raise TransferError(
            f"{folder}: {what} needs {decimal(needed)}, but only {decimal(free)} are free there. "
            f"Free some, or give a folder on another disk.",
            field="out",
        )


def file_sha256(file: Path, watch: ProgressReporter) -> str:
    """Return the sha256 of a file, hexadecimal."""
    digest, done, total = hashlib.sha256(), 0, file.stat().st_size
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            watch.progress(f"checking {file.name}", done, total)
    return digest.hexdigest()


def folder_sha256(folder: Path, watch: ProgressReporter) -> str:
    """Return the sha256 of what is in a folder, independent of its archive.

    In the shell: ``find . -type f | sed 's|^\\./||' | LC_ALL=C sort | xargs sha256sum | sha256sum``.
    """
    files = sorted(
        (p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.relative_to(folder).as_posix().encode()
    )
    digest, done, total = hashlib.sha256(), 0, sum(p.stat().st_size for p in files)
    for file in files:
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{content}  {file.relative_to(folder).as_posix()}\n".encode())
        done += file.stat().st_size
        watch.progress("checking the files", done, total)
    return digest.hexdigest()


def alone(folder: Path) -> AbstractContextManager[None]:
    """Hold a folder against a second process that would write into the same files.

    Raises:
        TransferError: Another process holds it.
    """
    return locks.alone(folder, "is downloaded into by another process:", TransferError)
