"""Progress bars: what the functions of `sceneseg.api` report, on a terminal."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sceneseg.cli.output import terminal

if TYPE_CHECKING:
    from rich.progress import TaskID

    from sceneseg.api.progress import Progress


class Bars:
    """A callback that shows the stage a function is in as a bar, and prints its messages; a context manager.

    Where the output isn't a terminal, only the messages are printed.
    """

    def __init__(self) -> None:
        from rich import progress

        columns = (*progress.Progress.get_default_columns(), progress.MofNCompleteColumn())
        detail = progress.TextColumn("{task.fields[detail]}", markup=False)
        description = progress.TextColumn("{task.description}", markup=False)
        self.last: Progress | None = None
        """What was reported last."""
        self._display = progress.Progress(
            description, *columns[1:], detail, console=terminal(), transient=True, disable=not sys.stdout.isatty()
        )
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, progress: "Progress") -> None:
        """Show what was reported."""
        if progress.message:
            self._display.console.print(progress.message, soft_wrap=True)
            return
        self.last = progress
        for stage in set(self._tasks) - {progress.stage}:
            self._display.remove_task(self._tasks.pop(stage))
        if progress.total is not None and progress.done >= progress.total:
            self._end(progress.stage)
            return
        self._display.start()
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._display.add_task(progress.stage, total=progress.total, detail="")
        self._display.update(
            self._tasks[progress.stage],
            completed=progress.done,
            total=progress.total,
            detail=getattr(progress, "detail", ""),
        )

    def _end(self, stage: str) -> None:
        """Take a finished stage off the terminal, which another process may write to next."""
        if stage in self._tasks:
            self._display.remove_task(self._tasks.pop(stage))
        if self._display.live.is_started:
            self._display.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._display.live.is_started:
            self._display.stop()
