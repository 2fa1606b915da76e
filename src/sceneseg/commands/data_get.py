"""`sceneseg data get`: fetch a data set from its publisher."""

import sys
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TimeRemainingColumn, TransferSpeedColumn
from rich.prompt import Confirm

from sceneseg.data.download import ROOM, SOURCES, Source, Watch, fetch, find_source, is_fetched
from sceneseg.errors import DataError


def get(name: str = "", *, out: Path | None = None, accept_terms: bool = False, keep_archives: bool = False) -> None:
    """Fetch a data set from its publisher; without a name, list what can be fetched, with sizes and terms.

    A download that was interrupted goes on where it stopped. Cityscapes needs your own account with it.

    Example: sceneseg data get camvid --accept-terms

    Args:
        name: camvid, ade20k, kitti_road or cityscapes.
        out: The data set's folder; without it data/NAME.
        accept_terms: You have read the terms of use and accept them; without it you are asked.
        keep_archives: Keep the downloaded archives in OUT.download.
    """
    console = Console()
    if not name:
        _list(console)
        return
    source = find_source(name)
    root = out or Path("data") / source.name
    if not is_fetched(source, root.expanduser()):
        _accept(source, console, accept_terms)
    display = _Display(console)
    try:
        fetch(source, root, display, keep_archives=keep_archives)
    except KeyboardInterrupt:
        display.say("Interrupted. What has arrived is kept; the same command goes on from there.")
        raise
    finally:
        display.close()
    console.print(f"next: sceneseg train -d {source.name} -p {root}", soft_wrap=True, highlight=False)


def _list(console: Console) -> None:
    for source in SOURCES:
        sizes = f"about {decimal(source.size)}, {decimal(int(ROOM * source.size))} of disk while it is unpacked"
        lines = (f"[bold]{source.name}[/]  {sizes}", source.title, source.terms, source.terms_address)
        console.print("\n  ".join(lines), soft_wrap=True, highlight=False)
    console.print("Fetch one with: sceneseg data get NAME", highlight=False)


def _accept(source: Source, console: Console, accepted: bool) -> None:
    """Show the terms of use and go on only if they are accepted."""
    console.print(f"[bold]{source.title}[/]\nTerms of use: {source.terms}\n{source.terms_address}", highlight=False)
    if accepted:
        return
    if not sys.stdin.isatty():
        raise DataError(
            f"The terms of use of {source.name} must be accepted first: read {source.terms_address}, "
            f"then add --accept-terms. Nothing was fetched."
        )
    if not Confirm.ask("Do you accept them?", console=console, default=False):
        raise DataError(f"The terms of use of {source.name} were not accepted, so nothing was fetched.")


class _Display(Watch):
    """A bar for every stage, and a line for what is said."""

    def __init__(self, console: Console) -> None:
        columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self.bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.tasks: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        self.bars.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def progress(self, what: str, done: int, total: int | None) -> None:
        self.bars.start()  # not before: csDownload has questions to ask and a bar of its own
        if what not in self.tasks:
            self.tasks[what] = self.bars.add_task(what, total=total)
        self.bars.update(self.tasks[what], completed=done, total=total)

    def close(self) -> None:
        """Take the bars away; rich would end even bars that never were with an empty line."""
        if self.bars.live.is_started:
            self.bars.stop()
