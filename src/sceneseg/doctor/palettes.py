"""Palettes that contradict what the indices mean, gray levels with two meanings, and transparent pixels."""

from collections import defaultdict
from collections.abc import Iterator

from sceneseg.datasets.folder import Folder
from sceneseg.datasets.masks import color_code, color_of
from sceneseg.doctor.facts import Pair
from sceneseg.doctor.findings import Finding, Patient, of_masks, plural
from sceneseg.labels import IGNORE_INDEX


def differing_palettes(patient: Patient) -> Iterator[Finding]:
    """Find palettes in which one index has several colors, or one color several indices, where indices are read."""
    found = [pair for pair in patient.pairs if pair.palette]
    if not (example := palettes_differ(found)):
        return
    yield Finding(
        "palettes-differ",
        "error",
        f"{plural(found, 'mask has a palette', 'masks have palettes')} that are not the same: {example}",
        of_masks(found),
        "Indices that stand for different colors can't be the ids of classes.",
        'Give the colors of the classes as `colors` in a YAML file (data set "folder"), then colors are read in place '
        "of indices; if the indices are right all the same, save the masks without palettes.",
    )


def palettes_differ(pairs: list[Pair]) -> str | None:
    """Return an example of how palettes contradict each other; None when they don't."""
    colors: dict[int, set[int]] = defaultdict(set)
    numbers: dict[int, set[int]] = defaultdict(set)
    for pair in pairs:
        told = [code for number, code in pair.palette.items() if number != IGNORE_INDEX]
        for number, code in pair.palette.items():
            if number != IGNORE_INDEX and told.count(code) == 1:  # else the palette tells nothing
                colors[number].add(code)
                numbers[code].add(number)
    for number in sorted(colors):
        if len(colors[number]) > 1:
            return f"index {number} is {' and '.join(str(color_of(code)) for code in sorted(colors[number])[:3])}"
    for code in sorted(numbers):
        if len(numbers[code]) > 1:
            return f"{color_of(code)} is index {' and '.join(map(str, sorted(numbers[code])[:3]))}"
    return None


def misplaced_colors(patient: Patient) -> Iterator[Finding]:
    """Find palettes that have the colors of a data set's classes at other indices than those of the classes."""
    if isinstance(next(iter(patient.datasets.values())), Folder):  # which reads colors, or has made them up
        return
    ids: dict[int, set[int]] = defaultdict(set)
    for c in patient.space.classes:
        ids[color_code(c.color)] |= set(c.label_ids)
    ids.pop(0, None)

    def wrong(pair: Pair) -> list[tuple[int, int]]:
        return [(number, code) for number, code in pair.palette.items() if code in ids and number not in ids[code]]

    found = [pair for pair in patient.pairs if wrong(pair)]
    if found:
        number, code = wrong(found[0])[0]
        expected = ", ".join(map(str, sorted(ids[code])))
        yield Finding(
            "misplaced-colors",
            "error",
            f"{plural(found, 'mask has', 'masks have')} the colors of classes at indices of others: "
            f"{color_of(code)} at {number}, where {expected} is due",
            of_masks(found),
            "The indices are read, and name other classes than the colors do.",
            'Export the masks as ids, or read their colors: data set "folder", with `colors` in a YAML file.',
        )


def two_meanings(patient: Patient) -> Iterator[Finding]:
    """Find gray masks that could hold ids as well as gray colors of the table, where others hold either."""
    either = [pair for pair in patient.pairs if pair.gray == "either"]
    if either and {"ids", "colors"} <= {pair.gray for pair in patient.pairs}:
        yield Finding(
            "two-meanings",
            "error",
            f"{plural(either, 'gray mask', 'gray masks')} could hold ids or colors, as some others hold ids and some "
            f"hold gray colors of the table",
            of_masks(either),
            "The two give different classes.",
            "Save all gray masks in one way, or give the classes other colors than these gray ones.",
        )


def transparent_masks(patient: Patient) -> Iterator[Finding]:
    """Find masks with pixels on which nothing is drawn."""
    if found := [pair for pair in patient.pairs if pair.transparent]:
        pixels = sum(pair.transparent for pair in found)
        yield Finding(
            "transparent-masks",
            "warning",
            f"{plural(found, 'mask has', 'masks have')} transparent pixels, {pixels:,} in all",
            of_masks(found),
            "They are read as void: nothing is drawn there, whatever color they have.",
            "If they belong to a class, fill them with its color and save the masks without an alpha channel.",
        )
