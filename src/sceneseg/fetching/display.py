"""What a person sees of a download."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from sceneseg.fetching.progress import ProgressReporter


class Display(ProgressReporter):
    """A bar for every stage, and a line for what is said; a context manager, which also says how an end was no end."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self.bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.tasks: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self.bars.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Move the bar of a stage."""
        self.bars.start()  # not before: csDownload has questions to ask and a bar of its own
        if what not in self.tasks:
            self.tasks[what] = self.bars.add_task(what, total=total)
        self.bars.update(self.tasks[what], completed=done, total=total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is KeyboardInterrupt:
            self.say("Interrupted. What has arrived is kept; the same command goes on from there.")
        if self.bars.live.is_started:  # rich would end even bars that never were with an empty line
            self.bars.stop()
