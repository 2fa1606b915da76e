"""`sceneseg data unpack`: a packed split as PNG files."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli.progress import Bars
from sceneseg.config import panels
from sceneseg.ranges import Workers
from sceneseg.wording import counted


def unpack(
    *,
    root: Annotated[Path, Parameter(name=("--root", "-p"), group=panels.DATA)],
    split: Annotated[str, Parameter(group=panels.DATA)] = "train",
    out: Annotated[Path, Parameter(group=panels.OUTPUT)],
    workers: Annotated[Workers | None, Parameter(group=panels.RUNTIME)] = None,
) -> None:
    """Write a packed split as PNG files with a data.yaml; every pixel is compared with its checksum.

    Example: sceneseg data unpack -p packed --split train --out images

    Args:
        root: Folder of the pack.
        split: The part to unpack.
        out: Folder to write; then: sceneseg train -d folder -p OUT
        workers: Threads that decode and encode; all cores when absent.
    """
    from sceneseg.api import packs

    with Bars() as bars:
        unpacked = packs.unpack(root, split=split, out=out, workers=workers, on_progress=bars)
    print(f"{counted(unpacked.scenes, 'scene')} in {out}. Use them with: -d folder -p {out}")
