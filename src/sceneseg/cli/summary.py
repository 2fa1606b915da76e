"""`sceneseg summary`: what a model costs at a given input size."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.table import Table

from sceneseg.cli.output import terminal
from sceneseg.config import command_line
from sceneseg.ranges import Classes, Count, Side

if TYPE_CHECKING:
    from sceneseg.models.cost import PeakMemory
    from sceneseg.records.model_cost import ModelCost


def summary(
    *,
    name: Annotated[str, Parameter(name=("--model.name", "-m"))] = "fast_scnn",
    model: dict[str, Any] | None = None,
    size: Annotated[tuple[Side, Side], Parameter(negative="")] = (1024, 2048),
    classes: Classes = 19,
    batch: Count = 1,
    diagram: Path | None = None,
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
    from sceneseg.models.cost import model_cost, model_memory

    arguments = command_line.nested(model)
    cost = model_cost(name, classes, size, **arguments)
    memory = model_memory(name, classes, size, batch, **arguments)
    console = terminal()
    console.print(_parts(cost))
    console.print(_totals(cost, memory, batch))
    if diagram is not None:
        from sceneseg.records.run_directory import write_text
        from sceneseg.report.svg.diagram import draw_model

        write_text(diagram, draw_model(cost))
        console.print(f"drawn in {diagram}")


def _parts(cost: "ModelCost") -> Table:
    height, width = cost.size or (0, 0)
    table = Table(title=f"{cost.name} at {height} x {width}", box=None, header_style="dim")
    for column in ("part", "output", "parameters", "GMACs", "fed by"):
        table.add_column(column, justify="right" if column in {"parameters", "GMACs", "output"} else "left")
    for part in cost.parts:
        shape = " x ".join(map(str, part.output))
        cells = (shape, f"{part.parameters:,}", f"{part.gmacs:,.2f}", ", ".join(part.inputs))
        table.add_row(part.name, *cells)
    return table


def _totals(cost: "ModelCost", memory: "PeakMemory", batch: int) -> Table:
    table = Table(box=None, show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_row("parameters", f"{cost.parameters:,}")
    table.add_row("parameters in training", f"{cost.parameters_training:,}")
    table.add_row("parameters, float32", f"{4 * (cost.parameters or 0) / 2**20:,.2f} MB")
    table.add_row("multiply-adds", f"{cost.gmacs:,.2f} G")
    table.add_row("output stride", str(cost.output_stride))
    table.add_row(f"activations, forward (float32, batch {batch})", f"{memory.forward / 2**20:,.0f} MB")
    table.add_row("activations, forward and backward", f"{memory.backward / 2**20:,.0f} MB")
    return table
