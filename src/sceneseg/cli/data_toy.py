"""`sceneseg data toy`: toy street scenes."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli.progress import Bars
from sceneseg.config import panels
from sceneseg.ranges import Count, Seed, Side
from sceneseg.wording import counted, quoted


def toy(
    *,
    out: Annotated[Path, Parameter(group=panels.OUTPUT)],
    count: Annotated[Count, Parameter(group=panels.DATA)] = 40,
    size: Annotated[tuple[Side, Side], Parameter(negative="", group=panels.DATA)] = (256, 512),
    seed: Annotated[Seed, Parameter(group=panels.DATA)] = 0,
) -> None:
    """Draw toy street scenes in the layout of Cityscapes, all 19 classes, to try everything without a download.

    Example: sceneseg data toy --out toy --count 40

    Args:
        out: Folder to write; then: sceneseg train -d cityscapes -p OUT
        count: Number of scenes, split into train, val and test.
        size: HEIGHT WIDTH of the images.
        seed: The same seed draws the same scenes.
    """
    from sceneseg.api.toy import make_toy

    with Bars() as bars:
        made = make_toy(out, count=count, size=size, seed=seed, on_progress=bars)
    print(
        f"{counted(count, 'scene')} in {made.path}. Train on them with: sceneseg train -d cityscapes -p {quoted(out)}"
    )
