"""Tables and texts of records, as commands print them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from sceneseg.wording import counted

if TYPE_CHECKING:
    from sceneseg.api.find_lr import RateSearch
    from sceneseg.api.models import ListedModel, ModelSummary
    from sceneseg.api.plan import BatchPlan
    from sceneseg.api.weights import VerifiedWeights
    from sceneseg.datasets.statistics import Statistics
    from sceneseg.doctor import Diagnosis, Repaired
    from sceneseg.fetching.datasets import Source
    from sceneseg.optim.lr_range import RangeTest
    from sceneseg.publishing.manifest import Entry
    from sceneseg.publishing.verification import WeightsSummary
    from sceneseg.records.model_cost import ModelCost

SHOWN = 5
"""Files of a finding, and sizes of images, that are listed."""


def _columns(left: Sequence[str], names: Iterable[str], **options: bool) -> Table:
    """Return a table without lines.

    Args:
        left: Columns with words; all others are numbers, which stand to the right.
        names: All columns.
        options: Column -> whether it is kept on one line; True when absent.
    """
    table = Table(box=None, header_style="dim")
    for name in names:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=options.get(name or "remark", True))
    return table


def models(listed: Iterable["ListedModel"]) -> Table:
    """Return a row for each architecture."""
    names = ("model", "parameters", "GMACs", "stride", "source")
    table = _columns(("model", "source"), names, source=False)
    for model in listed:
        paper = re.sub(r'"[^"]*", ', "", model.source)  # without the title
        parameters, gmacs = f"{model.parameters / 1e6:.2f} M", f"{model.gmacs:.1f}"
        table.add_row(model.name, parameters, gmacs, str(model.output_stride), paper)
    return table


def parts(cost: "ModelCost") -> Table:
    """Return a row for each part of a network."""
    height, width = cost.size or (0, 0)
    table = Table(title=f"{cost.name} at {height} x {width}", box=None, header_style="dim")
    for column in ("part", "output", "parameters", "GMACs", "fed by"):
        table.add_column(column, justify="right" if column in {"parameters", "GMACs", "output"} else "left")
    for part in cost.parts:
        shape = " x ".join(map(str, part.output))
        table.add_row(part.name, shape, f"{part.parameters:,}", f"{part.gmacs:,.2f}", ", ".join(part.inputs))
    return table


def totals(summary: "ModelSummary") -> Table:
    """Return what a whole network costs."""
    cost = summary.cost
    table = Table(box=None, show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_row("parameters", f"{cost.parameters:,}")
    table.add_row("parameters in training", f"{cost.parameters_training:,}")
    table.add_row("parameters, float32", f"{4 * (cost.parameters or 0) / 2**20:,.2f} MB")
    table.add_row("multiply-adds", f"{cost.gmacs:,.2f} G")
    table.add_row("output stride", str(cost.output_stride))
    table.add_row(f"activations, forward (float32, batch {summary.batch})", f"{summary.forward / 2**20:,.0f} MB")
    table.add_row("activations, forward and backward", f"{summary.backward / 2**20:,.0f} MB")
    return table


def print_plan(found: "BatchPlan", console: Console) -> None:
    """Print what a step takes of the memory, and in how many parts a batch is computed."""
    from sceneseg.training.planning import SAFE, show_bytes

    step, (height, width) = found.step, found.size
    memory = f"{show_bytes(step.memory)} of memory ({SAFE:.0%} of it planned with)"
    console.print(f"{found.model}, batch of {step.batch}, {memory}")
    rows = {
        "weights": step.weights,
        "gradients": step.weights,
        f"{found.optimizer}'s state": step.optimizer,
        "moving average": step.average,
        f"activations of a sample, {height} x {width}, {found.precision}": step.sample,
    }
    for name, number in rows.items():
        if number:
            console.print(f"  {name:<58}{show_bytes(number):>10}")
    peak = f"{show_bytes(found.peak)} at the peak"
    if not found.fits:
        console.print(
            "Not even one sample fits. Cures: --augment.crop-size HEIGHT WIDTH, --train.checkpoint-activations"
        )
    elif step.parts == 1:
        console.print(f"The whole batch fits: {peak}.")
    else:
        console.print(
            f"Computed in {step.parts} parts of at most {step.micro_batch}, {peak}; the optimizer sees the batch of "
            f"{step.batch} all the same. BatchNorm sees {step.micro_batch} at a time (docs/training.md)."
        )


def print_rates(found: "RateSearch", folder: Path, console: Console) -> None:
    """Print what learning-rate range tests suggest, and where their curves lie."""
    from sceneseg.report.formatting import rate

    columns = ("optimizer", "suggested", "steepest", "lowest loss", "at", "")
    table = _columns(("optimizer", ""), columns, remark=False)
    for test in found.tests:
        table.add_row(*_row(test))
    console.print(table)
    print("suggested: the middle of the fall (valley), on the logarithmic axis; steepest: where the loss falls fastest")
    if best := found.best:
        print(f"try  sceneseg train ... -f {best.optimizer} -l {rate(best.valley or 0)}  (it had the lowest loss)")
    print(f"curves   {folder / 'find_lr.png'}\nnumbers  {folder / 'find_lr.csv'}, {folder / 'find_lr.json'}")


def _row(test: "RangeTest") -> tuple[str, ...]:
    from sceneseg.report.formatting import rate

    lowest = float(test.rates[test.lowest])
    valley, steepest, at = (rate(found) if found else "–" for found in (test.valley, test.steepest, lowest))
    diverged = f"diverged at {rate(float(test.rates[-1]))}" if test.diverged else ""
    remark = diverged if test.learns else "its loss never fell noticeably: give more --steps"
    return test.optimizer, valley, steepest, f"{test.smoothed[test.lowest]:.3f}", at, remark


def print_statistics(found: "Statistics", console: Console) -> None:
    """Print sizes of images, a row for each class, and the mean color."""
    all_sizes = sorted(found.sizes.items())
    sizes = ", ".join(f"{height} x {width} ({number})" for (height, width), number in all_sizes[:SHOWN])
    more = f" and {len(all_sizes) - SHOWN} more" if len(all_sizes) > SHOWN else ""
    images = counted(len(found.table), "image")
    console.print(f"{found.dataset.name} {found.dataset.split}: {images}, height x width {sizes}{more}")
    rules = list(found.classes[0].weights)
    table = Table(box=None, header_style="dim")
    for column in ("class", "pixels", "share", "images", *(f"{rule} weight" for rule in rules)):
        table.add_column(column, justify="left" if column == "class" else "right")
    for one in found.classes:
        weights = (f"{one.weights[rule]:,.4f}" for rule in rules)
        table.add_row(one.name, f"{one.pixels:,}", f"{one.share:.3%}", f"{one.images:,}", *weights)
    table.add_row("void", f"{found.void_pixels:,}", style="dim")
    console.print(table)
    mean, std = (", ".join(f"{value:.2f}" for value in color) for color in (found.mean_rgb, found.std_rgb))
    console.print(f"mean color {mean}, standard deviation {std}; shares are of labeled pixels")


def print_diagnosis(found: "Diagnosis", console: Console) -> None:
    """Print every finding with its files, and the verdict."""
    for split, reason in found.left_out.items():
        console.print(f"not examined: {split}. {reason}", style="dim")
    for finding in found.findings:
        style = "bold red" if finding.severity == "error" else "bold yellow"
        heading = Text.assemble("\n", (finding.severity, style), " ", (finding.kind, "bold"), f" ({finding.count})")
        console.print(heading)
        console.print(f"  {finding.what[:1].upper()}{finding.what[1:]}.")
        more = [f"and {finding.count - SHOWN} more"] if finding.count > SHOWN else []
        for place in [*finding.where[:SHOWN], *more]:
            console.print(f"    {place}", style="dim")
        console.print(f"  Why it matters: {finding.why}\n  Cure: {finding.cure}")
    counts = ", ".join(f"{number} in {split}" for split, number in found.images.items())
    verdict = f"{counted(len(found.errors), 'error')}, {counted(len(found.warnings), 'warning')}"
    images = counted(sum(found.images.values()), "image")
    console.print(f"\n{images} examined ({counts}): {verdict if found.findings else 'healthy'}")


def print_repaired(made: "Repaired", folder: Path, console: Console) -> None:
    """Print what a repaired copy holds."""
    console.print(f"\n{counted(made.pairs, 'pair')} written to {folder}; read them with: -d folder -p {folder}")
    for file, reason in made.left_out.items():
        console.print(f"  left out: {file} ({reason})")
    if made.became_void:
        console.print(f"  {counted(made.became_void, 'pixel')} became void: their class isn't known.")
    if made.names_to_fill_in:
        console.print(f"  The meaning of the colors isn't known: write the names into {folder / 'data.yaml'}.")


def print_sources(sources: Iterable["Source"], console: Console) -> None:
    """Print which data sets can be fetched, with sizes and terms."""
    from sceneseg.fetching.datasets import ROOM

    for source in sources:
        sizes = f"about {decimal(source.size)}, {decimal(int(ROOM * source.size))} of disk while it is unpacked"
        facts = "\n  ".join((f"  {sizes}", source.title, source.terms, source.terms_address))
        console.print(Text.assemble((source.name, "bold"), facts), soft_wrap=True)
    console.print("Fetch one with: sceneseg data get NAME")


def published_weights(entries: Iterable["Entry"]) -> Table:
    """Return a row for each published weights file."""
    table = Table(box=None, header_style="dim")
    for column in ("name", "model", "classes of", "score", "on", "size", "license"):
        table.add_column(column, justify="right" if column in {"score", "size"} else "left", overflow="fold")
    for entry in entries:
        score = ", ".join(f"{name} {value:.2%}" for name, value in entry.score.items())
        on = " ".join(str(entry.protocol[key]) for key in ("dataset", "split") if key in entry.protocol)
        table.add_row(entry.name, entry.model, entry.label_space, score, on, decimal(entry.size), entry.licence)
    return table


def print_verified(found: "VerifiedWeights", console: Console) -> None:
    """Print the header of a weights file."""
    summary, classes = found.summary, found.summary.classes
    size = f"{summary.parameters:,} parameters, {summary.tensors} tensors"
    names = f"{', '.join(classes[:30])}{', ...' if len(classes) > 30 else ''}"
    rows = {
        "model": f"{summary.model}, {size}, loaded strictly",
        "classes": f"{len(classes)} of {summary.label_space or 'whole images'}: {names}",
        "input": _words(summary.input),
        "score": _score(summary),
        "written by": f"sceneseg {summary.version}",
        "source": summary.source,
        "sha256": found.sha256,
        "published": found.published,
    }
    console.print(str(found.path))
    for name, text in rows.items():
        if text is not None:
            console.print(f"  {name:<10}  {text}")


def _score(summary: "WeightsSummary") -> str:
    """Return the score with what makes it comparable."""
    if not summary.score:
        return "none in the file"
    protocol = summary.protocol
    values = ", ".join(f"{name} {value:.2%}" for name, value in summary.score.items() if value is not None)
    split = " ".join(fact for fact in (protocol.dataset, protocol.split) if fact)
    images = [counted(protocol.images, "image")] if protocol.images is not None else []
    rules = {key: getattr(protocol, key) for key in ("void", "input_size", "window", "tta")}
    rest = [f"{key} {_words(value)}" for key, value in rules.items() if value is not None]
    return f"{values} on {', '.join([split, *images, *rest])} (from the file, not measured now)"


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items() if inner is not None)
    return " x ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
