"""`sceneseg summary`: what a model costs at a given input size."""

from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table


def summary(
    *,
    name: Annotated[str, Parameter(name=("--model.name", "-m"))] = "fast_scnn",
    model: dict[str, Any] | None = None,
    size: tuple[int, int] = (1024, 2048),
    classes: int = 19,
) -> None:
    """Show parameters and operations of a model, part by part, without computing anything.

    Example: sceneseg summary -m unet --model.width 32 --size 512 1024

    Args:
        name: Model: fast_scnn, unet, ...
        model: Its arguments, --model.width 32
        size: HEIGHT WIDTH of the image.
        classes: Number of classes.
    """
    import yaml

    from sceneseg.models._cost import model_cost

    arguments = {k: yaml.safe_load(str(v)) for k, v in (model or {}).items()}
    cost = model_cost(name, classes, size, **arguments)
    table = Table(title=f"{cost['name']}, {classes} classes, {size[0]} x {size[1]}", show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_row("parameters", f"{cost['parameters']:,}")
    table.add_row("parameters in training", f"{cost['parameters_training']:,}")
    table.add_row("multiply-adds", f"{cost['gmacs']:,.2f} G")
    table.add_row("output stride", str(cost["output_stride"]))
    Console().print(table)
