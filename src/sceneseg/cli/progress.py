"""Progress on a terminal: a bar for the stage that a call is in, and a line for each message."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from sceneseg.cli.output import terminal

if TYPE_CHECKING:
    from sceneseg.api.progress import Progress

INTERRUPTED = "Interrupted. The partial download is stored; the same command resumes it."
"""Message of a download that Ctrl-C ended."""


class Bars:
    """Shows what a function of `sceneseg.api` reports, as its `on_progress`; a context manager.

    Bars are drawn on terminals alone. Messages are printed anywhere.

    Args:
        console: Where to print.
        interrupted: What is printed when Ctrl-C ends the call.
        transient: Whether the bars go away at the end.
    """

    def __init__(self, console: Console | None = None, interrupted: str = "", transient: bool = True) -> None:
        self.console = console or terminal()
        self.last: Progress | None = None
        """What was reported last of a stage."""
        texts = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[detail]}", markup=False)
        columns = (texts[0], BarColumn(), _Amount(), TimeRemainingColumn(), texts[1])
        self._bars = RichProgress(
            *columns, console=self.console, transient=transient, disable=not self.console.is_terminal
        )
        self._tasks: dict[str, TaskID] = {}
        self._interrupted = interrupted

    def __call__(self, progress: "Progress") -> None:
        """Print a message, or move the bar of a stage."""
        if progress.message:
            self.console.print(progress.message, soft_wrap=True, highlight=False, markup=False)
            return
        self.last = progress
        for stage in set(self._tasks) - {progress.stage}:
            self._bars.remove_task(self._tasks.pop(stage))
        self._bars.start()  # not before: csDownload has questions to ask and a bar of its own
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._bars.add_task(progress.stage, unit=progress.unit, detail="")
        task, detail = self._tasks[progress.stage], getattr(progress, "detail", "")
        self._bars.update(task, completed=progress.done, total=progress.total, detail=detail)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is KeyboardInterrupt and self._interrupted:
            self.console.print(self._interrupted, soft_wrap=True)
        if self._bars.live.is_started:  # rich would end even bars that never were with an empty line
            self._bars.stop()


class _Amount(ProgressColumn):
    """Items as 3/40, bytes as 1.2/9.0 MB with their speed."""

    def __init__(self) -> None:
        super().__init__()
        self._items, self._bytes, self._speed = MofNCompleteColumn(), DownloadColumn(), TransferSpeedColumn()

    def render(self, task: Task) -> Text:
        if task.fields["unit"] == "item":
            return self._items.render(task)
        return Text.assemble(self._bytes.render(task), " ", self._speed.render(task))
