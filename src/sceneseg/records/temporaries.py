"""Temporary files and folders that say who made them, so that those of killed processes are removed later.

A name is ``.NAME.PID-HOST-RANDOM.tmp``. The first of a process in a folder removes what processes that have ended left
there; what a running process made, and every other name, stays.
"""

import contextlib
import os
import re
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path

from sceneseg.records.locks import has_ended

SUFFIX = ".tmp"
PATTERN = re.compile(r"\.(?P<name>.*)\.(?P<pid>\d+)-(?P<host>[0-9a-f]{8})-[a-z0-9_]{8}\.tmp", re.DOTALL)
LONGEST = 40
"""Characters of a name that a temporary repeats: file systems limit names to 255 bytes."""
ABANDONED = 24 * 3600.0
"""Seconds after which nobody on another host still writes."""
_mine: set[str] = set()
"""Those of this process that it still uses: their real paths, as there may be several ways to a folder."""
_swept: set[str] = set()


def create_file(path: Path) -> Path:
    """Make an empty temporary file next to `path`, and its folder where that is missing; `discard` removes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_once(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path.name), suffix=SUFFIX)
    os.close(handle)
    _mine.add(os.path.realpath(name))
    return Path(name)


def discard(file: Path) -> None:
    """Remove a temporary file, if it is still there."""
    file.unlink(missing_ok=True)
    _mine.discard(os.path.realpath(file))


@contextlib.contextmanager
def temporary_folder(name: str, parent: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder that is removed at the end.

    Args:
        name: What it is for; its own name begins like that.
        parent: Where it is made; the system's folder for temporaries when absent.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    parent.mkdir(parents=True, exist_ok=True)
    _sweep_once(parent)
    folder = tempfile.mkdtemp(dir=parent, prefix=_prefix(name), suffix=SUFFIX)
    _mine.add(own := os.path.realpath(folder))
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _mine.discard(own)


def is_temporary(name: str) -> bool:
    """Whether a file or folder of this name is a temporary of ours."""
    return PATTERN.fullmatch(name) is not None


def final_name(path: str) -> str:
    """Return what a temporary would have become, as far as its name tells, for messages; other paths stay."""
    folder, name = os.path.split(path)
    found = PATTERN.fullmatch(name)
    return os.path.join(folder, found["name"]) if found else path


def sweep(folder: Path) -> None:
    """Remove the temporaries in a folder whose processes have ended; what can't be removed stays."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            path = Path(os.path.realpath(folder), name)
            found = PATTERN.fullmatch(name)
            if found and str(path) not in _mine and _is_abandoned(path, int(found["pid"]), found["host"]):
                with contextlib.suppress(OSError):
                    _remove(path)


def _sweep_once(folder: Path) -> None:
    """Sweep a folder the first time that this process writes there: a look for each file would cost too much."""
    if (known := os.path.abspath(folder)) not in _swept:
        _swept.add(known)
        sweep(folder)


def _is_abandoned(path: Path, pid: int, host: str) -> bool:
    try:
        if host == _host():
            return has_ended(pid)
        newest = max(p.lstat().st_mtime for p in (path, *path.rglob("*")))
    except OSError:  # somebody else removes it, or may not be looked into
        return False
    return time.time() - newest > ABANDONED


def _remove(path: Path) -> None:
    facts = path.lstat()
    if hasattr(os, "getuid") and facts.st_uid != os.getuid():  # in a shared /tmp
        return
    if stat.S_ISDIR(facts.st_mode):
        shutil.rmtree(path, ignore_errors=True)
    elif stat.S_ISREG(facts.st_mode):
        path.unlink(missing_ok=True)


def _prefix(name: str) -> str:
    return f".{name[:LONGEST]}.{os.getpid()}-{_host()}-"


@cache
def _host() -> str:
    """Return a digest of the host and, where containers number their processes anew, of that numbering."""
    try:
        numbering = os.readlink("/proc/self/ns/pid")
    except OSError:
        numbering = ""
    return blake2b(f"{socket.gethostname()} {numbering}".encode(errors="surrogateescape"), digest_size=4).hexdigest()
