"""`sceneseg data get`: a data set from its publisher."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from sceneseg.cli import tables
from sceneseg.cli.output import terminal
from sceneseg.cli.progress import INTERRUPTED, Bars
from sceneseg.config import panels
from sceneseg.errors import DataError
from sceneseg.wording import quoted

if TYPE_CHECKING:
    from sceneseg.fetching.datasets import Source


def get(
    name: Annotated[str, Parameter(group=panels.DATA)] = "",
    *,
    out: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
    accept_terms: Annotated[bool, Parameter(group=panels.DATA)] = False,
    keep_archives: Annotated[bool, Parameter(group=panels.OUTPUT)] = False,
) -> None:
    """Fetch a data set from its publisher; without a name, list what can be fetched, with sizes and terms.

    An interrupted download is resumed. Cityscapes needs your own account with it.

    Example: sceneseg data get camvid --accept-terms

    Args:
        name: camvid, ade20k, kitti_road or cityscapes.
        out: The data set's folder; without it data/NAME.
        accept_terms: You have read the terms of use and accept them; without it you are asked.
        keep_archives: Keep the downloaded archives in OUT.download.
    """
    from sceneseg.api.data import get_data, list_data

    console = terminal()
    if not name:
        tables.print_sources(list_data(), console)
        return
    ask = partial(_ask, console, accept_terms)
    with Bars(console, INTERRUPTED) as bars:
        fetched = get_data(name, out, accept_terms=ask, keep_archives=keep_archives, on_progress=bars)
    console.print(f"next: sceneseg train -d {fetched.name} -p {quoted(fetched.path)}", soft_wrap=True)


def _ask(console: Console, accepted: bool, source: "Source") -> bool:
    """Show the terms of use, and ask for them unless they are accepted already."""
    from rich.prompt import Confirm

    terms = f"\nTerms of use: {source.terms}\n{source.terms_address}"
    console.print(Text.assemble((source.title, "bold"), terms))
    if accepted or not sys.stdin.isatty():
        return accepted
    if not Confirm.ask("Do you accept them?", console=console, default=False):
        raise DataError(f"The terms of use of {source.name} were not accepted, so nothing was fetched.")
    return True
