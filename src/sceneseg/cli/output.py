"""Terminal output, in which nothing in a text is taken for markup."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any

from rich.console import Console


def terminal(**options: Any) -> Console:
    """Return a console for texts with names from files in them, in which ``[bold]`` stays what it is.

    Style goes into the argument `style`, or into `rich.text.Text`.

    Args:
        options: Further arguments of `rich.console.Console`.
    """
    return Console(markup=False, highlight=False, **options)


def never_fail_on_letters() -> None:
    """Print "?" for letters that an ASCII terminal or pipe (LC_ALL=C) can't show, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


class Printed(logging.Handler):
    """Prints what the library logs: facts to the standard output, warnings to the error stream."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message."""
        print(record.getMessage(), file=sys.stderr if record.levelno >= logging.WARNING else sys.stdout, flush=True)


@contextmanager
def printed_log() -> Iterator[None]:
    """Print what the library logs in a block."""
    package, handler = logging.getLogger("sceneseg"), Printed()
    level = package.level
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.setLevel(level)
        package.removeHandler(handler)
