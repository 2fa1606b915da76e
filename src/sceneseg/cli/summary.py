"""`sceneseg summary`: the cost of a model at an input size."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from sceneseg.cli import tables
from sceneseg.cli.output import terminal
from sceneseg.config import command_line, panels
from sceneseg.ranges import Classes, Count, Side


def summary(
    *,
    name: Annotated[str, Parameter(name=("--model.name", "-m"), group=panels.MODEL)] = "fast_scnn",
    model: Annotated[dict[str, Any] | None, Parameter(group=panels.MODEL)] = None,
    size: Annotated[tuple[Side, Side], Parameter(negative="", group=panels.DATA)] = (1024, 2048),
    classes: Annotated[Classes, Parameter(group=panels.DATA)] = 19,
    batch: Annotated[Count, Parameter(group=panels.DATA)] = 1,
    diagram: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
) -> None:
    """Show parameters, operations and memory of a model, part by part, without computing anything.

    Example: sceneseg summary -m unet --model.width 32 --size 512 1024

    Args:
        name: Model: fast_scnn, unet, ...
        model: Its arguments, --model.width 32
        size: HEIGHT WIDTH of the image.
        classes: Number of classes.
        batch: Images at once, for the memory.
        diagram: Also draw the parts and what feeds them to this SVG file.
    """
    from sceneseg.api.models import summarize

    chosen = {"name": name, **command_line.nested(model)}
    counted = summarize(chosen, size=size, classes=classes, batch=batch, diagram=diagram)
    console = terminal()
    console.print(tables.parts(counted.cost))
    console.print(tables.totals(counted))
    if diagram is not None:
        console.print(f"drawn in {diagram}")
