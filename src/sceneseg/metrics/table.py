"""Scores as text, in the layout of cityscapesScripts, which people know how to read."""

from collections.abc import Mapping

from sceneseg.labels import LabelSpace
from sceneseg.metrics.sizes import band_names
from sceneseg.records.scores import BandScores, MetricValues, Scores, SizeBands

HEADS = {"iou": "IoU", "iiou": "nIoU", "dice": "Dice"}


def score_table(scores: Scores, label_space: LabelSpace) -> str:
    """Write all scores as a table.

    Convention: "nIoU" is the iIoU, "nan" a score that doesn't exist. The column nIoU is there for spaces with
    instances, the table of categories for spaces with categories. The column Dice is ours; without it, the lines are
    those of cityscapesScripts.
    """
    width = max(map(len, ("Pixel accuracy", *label_space.names, *label_space.categories)))
    has_instances = any(c.has_instances for c in label_space.classes)

    def row(name: str, *values: float | None) -> str:
        numbers = (f"{float('nan') if value is None else value:>5.3f}" for value in values)
        return f"{name:<{width}}: {'    '.join(numbers)}"

    def part(title: str, rows: Mapping[str, MetricValues], means: MetricValues) -> str:
        keys = [key for key in means if key != "iiou" or has_instances]
        header = f"{title:<{width}}   " + "      ".join(HEADS[key] for key in keys)
        rule = "-" * (width + 9 * len(keys))
        each = [row(name, *(score.get(key) for key in keys)) for name, score in rows.items()]
        return "\n".join([header, rule, *each, rule, row("Score Average", *(means[key] for key in keys)), rule, ""])

    mean = scores.means.get
    means = {"iou": mean("mean_iou"), "iiou": mean("mean_iiou"), "dice": mean("mean_dice")}
    parts = [part("classes", scores.classes, means)]
    if label_space.categories:
        of_categories = {"iou": mean("mean_category_iou"), "iiou": mean("mean_category_iiou")}
        parts.append(part("categories", scores.categories, of_categories))
    rest = {
        "Mean Dice": mean("mean_dice"),
        "Pixel accuracy": mean("pixel_accuracy"),
        "Class accuracy": mean("class_accuracy"),
    }
    return "\n".join([*parts, *(row(name, value) for name, value in rest.items())])


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
