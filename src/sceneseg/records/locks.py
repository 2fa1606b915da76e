"""Locks on folders: one process at a time writes into a folder; a second one learns which process that is."""

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sceneseg.errors import RunError, ScenesegError
from sceneseg.plain import parse_json

LOCK = ".lock"
PAUSE = 0.2
_held: set[Path] = set()
"""The locks of this process: the system's locks hold against other processes alone."""


@contextlib.contextmanager
def alone(
    folder: Path, doing: str = "is in use by", error: type[ScenesegError] = RunError, wait: float = 0.0
) -> Iterator[None]:
    """Hold a folder against a second process that would write into the same files, by a file ``.lock`` in it.

    The system gives the lock back when the process ends, however it ends. On file systems without locks the process
    and host that stand in the file decide; a process of this host that has ended holds nothing.

    Args:
        folder: It is there and can be written to.
        doing: What the message says between the folder and the process that holds it.
        error: What is raised.
        wait: Seconds to wait for the other process.

    Raises:
        ScenesegError: Another process holds it; the message names the process, its host and since when.
    """
    file = folder.resolve() / LOCK
    until = time.monotonic() + wait
    while (handle := _take(file)) is None:
        if time.monotonic() >= until:
            raise error(
                f"{folder} {doing} {_owner_in_words(file)}. Wait for it or end it. If it doesn't run any more, "
                f"delete {file}."
            )
        time.sleep(PAUSE)
    _held.add(file)
    try:
        yield
    finally:
        if sys.platform != "win32":  # where an open file can't be deleted
            file.unlink(missing_ok=True)  # while it is held, or somebody else's would be deleted
        _held.discard(file)
        os.ftruncate(handle, 0)
        os.close(handle)


def _take(file: Path) -> int | None:
    """Return the open file if the lock is ours now, None if it is somebody else's."""
    if file in _held:
        return None
    new = not file.exists()
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    locked = _lock(handle)
    if locked is None:  # no locks here
        locked = new or _has_ended(_owner(file))
    elif locked:
        locked = _is_still(handle, file)
    if not locked:
        os.close(handle)
        return None
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    os.ftruncate(handle, 0)
    os.write(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}).encode())
    return handle


def _lock(handle: int) -> bool | None:
    """Try to lock an open file; None: the file system can't."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock's, forked data workers don't inherit it
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def _is_still(handle: int, file: Path) -> bool:
    """Whether an open file is the one of that name; its last owner may have deleted it in between."""
    try:
        return os.path.samestat(os.fstat(handle), file.stat())
    except FileNotFoundError:
        return False


def _owner(file: Path) -> dict[str, object]:
    try:
        found = parse_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it has just been given back, or not been written yet
        return {}
    return found if isinstance(found, dict) else {}


def _has_ended(owner: dict[str, object]) -> bool:
    """Whether the owner is a process of this host that runs no more; of other hosts' nothing is known."""
    if not owner:  # the last one gave it back
        return True
    pid = owner.get("pid")
    if not isinstance(pid, int) or isinstance(pid, bool) or not 0 < pid < 2**31:
        return False
    return owner.get("host") == socket.gethostname() and has_ended(pid)


def has_ended(pid: int) -> bool:
    """Whether a process that left something behind runs no more, as far as this host knows.

    Args:
        pid: Its number. This process's own is that of an earlier one, as this one knows what it holds itself.
    """
    if sys.platform == "win32":  # where such a question would end the process
        return False
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False
    return False


def _owner_in_words(file: Path) -> str:
    if file in _held:  # not opened here: closing it would give this process's lock back
        return f"this process ({os.getpid()})"
    owner = _owner(file)
    if "pid" not in owner:
        return "another process"
    return f"process {owner['pid']} on {owner.get('host')} (since {owner.get('since')})"
