"""Scores as text, in the layout of cityscapesScripts, which people know how to read."""

from collections.abc import Mapping

from sceneseg.labels import LabelSpace
from sceneseg.metrics.semantic import CategoryScores, ClassScores, SemanticScores
from sceneseg.metrics.sizes import BandScores, SizeBands, band_names


def score_table(scores: SemanticScores, label_space: LabelSpace) -> str:
    """Write all scores as a table.

    Convention: "nIoU" is the iIoU, "nan" a score that doesn't exist. The column nIoU is there for spaces with
    instances, the table of categories for spaces with categories.
    """
    width = max(map(len, ("Pixel accuracy", *label_space.names, *label_space.categories)))
    columns = 2 if any(c.has_instances for c in label_space.classes) else 1
    rule = "-" * (width + 9 * columns)

    def row(name: str, *values: float | None) -> str:
        numbers = (f"{float('nan') if value is None else value:>5.3f}" for value in values[:columns])
        return f"{name:<{width}}: {'    '.join(numbers)}"

    def part(title: str, each: Mapping[str, ClassScores] | Mapping[str, CategoryScores], *means: float | None) -> str:
        header = f"{title:<{width}}   IoU" + "      nIoU" * (columns - 1)
        rows = [row(name, score["iou"], score["iiou"]) for name, score in each.items()]
        return "\n".join([header, rule, *rows, rule, row("Score Average", *means), rule, ""])

    parts = [part("classes", scores["classes"], scores["mean_iou"], scores["mean_iiou"])]
    if label_space.categories:
        means = scores["mean_category_iou"], scores["mean_category_iiou"]
        parts.append(part("categories", scores["categories"], *means))
    rest = {
        "Mean Dice": scores["mean_dice"],
        "Pixel accuracy": scores["pixel_accuracy"],
        "Class accuracy": scores["class_accuracy"],
    }
    return "\n".join([*parts, *(row(name, value) for name, value in rest.items())])


def band_table(bands: SizeBands) -> str:
    """Write what became of objects by their size: recall, the part found, and how many there are.

    Convention: an object is found when half of its pixels got its class; "-" is a band without objects.
    """
    names = band_names(bands["edges"])
    width = max(map(len, ("objects by pixels", *bands["classes"])))
    column = max(24, *(len(name) + 2 for name in names))

    def cell(scores: BandScores) -> str:
        if scores["recall"] is None or scores["found"] is None:
            return "-"
        return f"{scores['recall']:.3f}   {scores['found']:.3f} {scores['objects']:>6,}"

    def row(name: str, cells: list[str]) -> str:
        return f"{name:<{width}}: " + "".join(f"{text:>{column}}" for text in cells)

    rule = "-" * (width + 2 + column * len(names))
    head = row("", ["recall   found      n"] * len(names)).replace(":", " ", 1)
    classes = [row(name, [cell(scores) for scores in each]) for name, each in bands["classes"].items()]
    return "\n".join(
        [row("objects by pixels", names), head, rule, *classes, rule, row("all", [*map(cell, bands["all"])])]
    )
