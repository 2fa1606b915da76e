"""`sceneseg data doctor`: what is wrong with images and masks."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli import tables
from sceneseg.cli.output import terminal
from sceneseg.cli.progress import Bars
from sceneseg.config import command_line, panels


def doctor(
    *,
    data: Annotated[str, Parameter(name=("--data", "-d"), group=panels.DATA)],
    root: Annotated[str | None, Parameter(name=("--root", "-p"), group=panels.DATA)] = None,
    split: Annotated[list[str] | None, Parameter(negative="", group=panels.DATA)] = None,
    repair: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
    options: Annotated[dict[str, str] | None, Parameter(name="--options", group=panels.DATA)] = None,
) -> None:
    """Find what is wrong with images and masks, say why it matters and how to cure it.

    Every image and mask is read. Exit code 1 when there are errors; warnings alone give 0.

    Example: sceneseg data doctor -d folder -p my_data --repair my_data_repaired

    Args:
        data: Data set: cityscapes, camvid, folder, ...
        root: Its folder; without it the environment variable <NAME>_DATASET.
        split: Splits to examine; train, val and test, as far as they are there, when absent.
        repair: Write a repaired copy to this new folder, to be read with -d folder.
        options: Further arguments of the data set, for example --options.coarse true
    """
    from sceneseg.api import doctor as api

    console = terminal(soft_wrap=True)
    with Bars() as bars:
        found = api.doctor(data, root, splits=split or (), options=command_line.nested(options), on_progress=bars)
    tables.print_diagnosis(found, console)
    if repair is not None:
        with Bars() as bars:
            repaired = api.repair(found, repair, on_progress=bars)
        tables.print_repaired(repaired, repair, console)
    if found.errors:
        raise SystemExit(1)
