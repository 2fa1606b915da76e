"""`sceneseg data get`: fetch a data set from its publisher."""

import sys
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.prompt import Confirm
from rich.text import Text

from sceneseg.cli.output import terminal
from sceneseg.errors import DataError
from sceneseg.fetching.datasets import ROOM, SOURCES, Source, fetch, find_source, is_fetched
from sceneseg.fetching.display import Display
from sceneseg.wording import quoted


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
    console = terminal()
    if not name:
        _list(console)
        return
    source = find_source(name)
    root = out or Path("data") / source.name
    if not is_fetched(source, root.expanduser()):
        _accept(source, console, accept_terms)
    with Display(console) as display:
        fetch(source, root, display, keep_archives=keep_archives)
    console.print(f"next: sceneseg train -d {source.name} -p {quoted(root)}", soft_wrap=True)


def _list(console: Console) -> None:
    for source in SOURCES:
        sizes = f"about {decimal(source.size)}, {decimal(int(ROOM * source.size))} of disk while it is unpacked"
        facts = "\n  ".join((f"  {sizes}", source.title, source.terms, source.terms_address))
        console.print(Text.assemble((source.name, "bold"), facts), soft_wrap=True)
    console.print("Fetch one with: sceneseg data get NAME")


def _accept(source: Source, console: Console, accepted: bool) -> None:
    """Show the terms of use and go on only if they are accepted."""
    terms = f"\nTerms of use: {source.terms}\n{source.terms_address}"
    console.print(Text.assemble((source.title, "bold"), terms))
    if accepted:
        return
    if not sys.stdin.isatty():
        raise DataError(
            f"The terms of use of {source.name} must be accepted first: read {source.terms_address}, "
            f"then add --accept-terms. Nothing was fetched."
        )
    if not Confirm.ask("Do you accept them?", console=console, default=False):
        raise DataError(f"The terms of use of {source.name} were not accepted, so nothing was fetched.")
