"""Names of run directories and comparisons."""

import os
import re
import sys
from hashlib import blake2b

from sceneseg.errors import ConfigError

LONGEST_NAME = 200
"""Bytes of a run's name; file systems take 255, and some go to -2 behind it and to temporary files."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices."""


def file_name(name: str) -> str:
    """Return the name of a scene as that of files made of it; a long one is cut, with a digest of what it was."""
    written = os.fsencode(name)
    if len(written) <= LONGEST_NAME:
        return name
    start = written[: LONGEST_NAME - 20].decode(errors="ignore")
    return f"{start}-{blake2b(written, digest_size=8).hexdigest()}"


def check_name(name: str) -> None:
    """See whether a run's name is that of a folder in the folder of the runs: nothing is written outside of it.

    Raises:
        ConfigError: It is empty, leads elsewhere, or no file system takes it.
    """
    problem = ""
    if not isinstance(name, str) or not name.strip():
        problem = "it is empty"
    elif name in (".", "..") or "/" in name or "\\" in name:
        problem = "it leads to another folder"
    elif "\0" in name or not _is_writable(name):
        problem = f"it holds a character that no file name has, or more than {LONGEST_NAME} bytes"
    elif sys.platform == "win32" and RESERVED.fullmatch(name):
        problem = "Windows keeps it for a device"
    if problem:
        raise ConfigError(
            f"name {name!r}: expected the name of one folder, but {problem}. Give a plain name, for example city; the "
            f"folder that it lies in is runs.",
            field="name",
        )


def _is_writable(name: str) -> bool:
    try:
        return len(name.encode()) <= LONGEST_NAME
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
