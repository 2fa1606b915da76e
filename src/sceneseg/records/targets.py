"""Files that a command writes at its end, looked at before its work."""

import errno
import os
from pathlib import Path

from sceneseg.records import temporaries


def check_targets(*files: Path | None) -> None:
    """Find out whether files can be written, and make their folders.

    Args:
        files: What will be written; None is left out.

    Raises:
        OSError: One can't be written, with its path.
    """
    for file in files:
        if file is None:
            continue
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
        temporaries.discard(temporaries.create_file(file))  # as `run_directory.atomic` makes it
