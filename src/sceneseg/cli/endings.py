"""Endings of a command: errors that a user can cause become one sentence and an exit code."""

import errno
import os
import sys
from collections.abc import Mapping

from cyclopts.exceptions import CycloptsError
from rich.text import Text

from sceneseg.cli import usage
from sceneseg.cli.output import terminal
from sceneseg.errors import ScenesegError
from sceneseg.records.temporaries import final_name

FAILED = 1

CURES: Mapping[int, str] = {
    errno.ENOSPC: "No space left on the disk{file}. Free some and run the command again; a training is resumed with "
    "sceneseg train -r RUN.",
    errno.EDQUOT: "The disk quota is used up{file}. Free some space and run the command again; a training is resumed "
    "with sceneseg train -r RUN.",
    errno.EACCES: "{path}: no permission. Choose another folder, or change its permissions.",
    errno.EPERM: "{path}: the operation isn't permitted there. Choose another folder, or change its permissions.",
    errno.EROFS: "{path}: the file system is read-only. Choose a folder on another one.",
    errno.EEXIST: "{path}: there is a file already where a folder is needed. Choose another folder, or move the file.",
    errno.ENOTDIR: "{path}: expected a folder, but a part of this path is a file. Choose another path.",
    errno.EISDIR: "{path}: expected a file, found a folder. Give the path of a file.",
    errno.ENOENT: "{path}: there is no such file or folder. Check the path.",
    errno.ENAMETOOLONG: "{path}: the name is too long for this file system. Choose a shorter one.",
    errno.EMFILE: "Too many open files. Raise the limit with: ulimit -n 4096",
    errno.ELOOP: "{path}: the links lead in a circle. Give the path of the folder itself.",
}
"""What to say of errors of the operating system."""


def ending(error: BaseException) -> tuple[int, str | None]:
    """Return the exit code and the sentence for an error that ended a command.

    Args:
        error: What was raised. Anything that a user can't have caused is raised again.

    Returns:
        The code, and None where there is nothing to say.
    """
    if isinstance(error, ScenesegError):
        return FAILED, str(error)
    if isinstance(error, CycloptsError):
        return usage.MISUSED, usage.explain(error)
    if isinstance(error, BrokenPipeError):  # `sceneseg models | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes
        return FAILED, None
    if isinstance(error, MemoryError):
        return FAILED, "The memory isn't enough for this. Give smaller images (-t HEIGHT WIDTH) or a smaller batch."
    if isinstance(error, OSError):
        return FAILED, of_the_system(error)
    raise error


def of_the_system(error: OSError) -> str:
    """Return what an error of the operating system means for the user."""
    path = error.filename2 or error.filename
    path = os.fsdecode(path) if isinstance(path, bytes) else path
    path = final_name(path) if isinstance(path, str) else path
    template = CURES.get(error.errno or 0)
    if template is None or (path is None and "{path}" in template):
        return f"{path}: {error.strerror or error}." if path else f"The system refused: {error.strerror or error}."
    return template.format(path=path, file=f" for {path}" if path else "")


def show(sentence: str) -> None:
    """Print an error to the standard error stream; brackets in it are no markup."""
    terminal(stderr=True).print(Text.assemble(("Error:", "bold red"), f" {sentence}"), soft_wrap=True)
