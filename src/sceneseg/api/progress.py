"""Progress of a call: the functions of `sceneseg.api` report it to a callback and never print."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sceneseg.fetching.progress import ProgressReporter


@dataclass(frozen=True)
class Progress:
    """Progress of a call.

    Args:
        stage: What is being done, for example "drawing street scenes".
        done: Items (scenes, steps) or bytes of the stage that are done.
        total: How many there are; None where that isn't known.
        unit: What is counted, "item" or "byte".
        message: A sentence for the user, for example that a broken download starts again; nothing is counted then.

    Example:
        >>> import sceneseg
        >>> seen = []
        >>> toy = sceneseg.make_toy("street", count=2, size=(32, 64), on_progress=seen.append)
        >>> seen[-1]
        Progress(stage='drawing street scenes', done=2, total=2, unit='item', message='')
    """

    stage: str = ""
    done: int = 0
    total: int | None = None
    unit: Literal["item", "byte"] = "item"
    message: str = ""


OnProgress = Callable[[Progress], object]


def ignore(progress: Progress) -> None:
    """Do nothing with the progress; what a function calls when it was given no callback."""


def counter(on_progress: OnProgress, stage: str, total: int | None = None) -> Callable[..., None]:
    """Return a function that reports a number of done items, and of all where it is given that as well.

    Args:
        on_progress: Is called with each report.
        stage: What is being done.
        total: How many items there are, where it is known before.
    """

    def count(done: int, of: int | None = total) -> None:
        on_progress(Progress(stage, done, of))

    return count


class Transfer(ProgressReporter):
    """Reports the bytes of a download, and its messages.

    Args:
        on_progress: Is called with each report.
    """

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress

    def say(self, text: str) -> None:
        """Report a sentence."""
        self._on_progress(Progress(message=text))

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Report bytes."""
        self._on_progress(Progress(what, done, total, "byte"))
