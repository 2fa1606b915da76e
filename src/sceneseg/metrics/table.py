"""Scores as text, in the layout of cityscapesScripts, which people know how to read."""

from collections.abc import Mapping
from typing import Any

from sceneseg.labels import LabelSpace
from sceneseg.metrics import metrics_of
from sceneseg.metrics.base import Metric
from sceneseg.metrics.sizes import band_names
from sceneseg.records.scores import BandScores, MetricValues, Scores, SizeBands


def score_table(scores: Scores, label_space: LabelSpace) -> str:
    """Write the scores of a segmentation as a table.

    Convention: "nIoU" is the iIoU, "nan" a score that doesn't exist. The column nIoU is there for spaces with
    instances, the table of categories for spaces with categories. The column Dice is ours; without it, the lines are
    those of cityscapesScripts.
    """
    metrics = [metric for metric in metrics_of("semantic") if metric.suits(label_space)]
    lines = {metric.label: scores.means.get(metric.key) for metric in metrics if metric.has_line}
    width = max(map(len, (*lines, *label_space.names, *label_space.categories)))

    def part(title: str, rows: Mapping[str, MetricValues], columns: Mapping[str, Metric[Any]]) -> str:
        header = f"{title:<{width}}   " + "      ".join(str(metric.heading) for metric in columns.values())
        rule = "-" * (width + 9 * len(columns))
        each = [_row(width, name, *(values.get(key) for key in columns)) for name, values in rows.items()]
        average = _row(width, "Score Average", *(scores.means.get(metric.key) for metric in columns.values()))
        return "\n".join([header, rule, *each, rule, average, rule, ""])

    shown = [metric for metric in metrics if metric.heading is not None]
    parts = [part("classes", scores.classes, {metric.class_key: metric for metric in shown if metric.class_key})]
    if label_space.categories:
        columns = {metric.category_key: metric for metric in shown if metric.category_key}
        parts.append(part("categories", scores.categories, columns))
    return "\n".join([*parts, *(_row(width, label, value) for label, value in lines.items())])


def accuracy_table(scores: Scores) -> str:
    """Write the scores of a classification as a table; "nan" is a score that doesn't exist."""
    metrics = metrics_of("classification")
    lines = {metric.label: scores.means.get(metric.key) for metric in metrics if metric.has_line}
    width = max(map(len, (*lines, *scores.classes)))
    rule = "-" * (width + 7)
    keys = [metric.class_key for metric in metrics if metric.class_key]
    classes = [_row(width, name, *(values.get(key) for key in keys)) for name, values in scores.classes.items()]
    return "\n".join(["classes", rule, *classes, rule, *(_row(width, label, value) for label, value in lines.items())])


def _row(width: int, name: str, *values: float | None) -> str:
    numbers = (f"{float('nan') if value is None else value:>5.3f}" for value in values)
    return f"{name:<{width}}: {'    '.join(numbers)}"


def band_table(bands: SizeBands) -> str:
    """Write what became of objects by their size: recall, the part found, and how many there are.

    Convention: an object is found when half of its pixels got its class; "-" is a band without objects.
    """
    names = band_names(bands.edges)
    width = max(map(len, ("objects by pixels", *bands.classes)))
    column = max(24, *(len(name) + 2 for name in names))

    def cell(scores: BandScores) -> str:
        if scores.recall is None or scores.found is None:
            return "-"
        return f"{scores.recall:.3f}   {scores.found:.3f} {scores.objects:>6,}"

    def row(name: str, cells: list[str]) -> str:
        return f"{name:<{width}}: " + "".join(f"{text:>{column}}" for text in cells)

    rule = "-" * (width + 2 + column * len(names))
    head = row("", ["recall   found      n"] * len(names)).replace(":", " ", 1)
    classes = [row(name, [cell(scores) for scores in each]) for name, each in bands.classes.items()]
    return "\n".join([row("objects by pixels", names), head, rule, *classes, rule, row("all", [*map(cell, bands.all)])])
