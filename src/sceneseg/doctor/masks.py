"""Masks that hold something else than ids: JPEG, colors, values in between, photographs."""

from collections import Counter
from collections.abc import Iterator

from sceneseg.datasets.masks import MaskReading, color_of
from sceneseg.doctor.facts import Pair
from sceneseg.doctor.findings import Finding, Patient, of_masks, paths, plural
from sceneseg.doctor.ids import name_of


def jpeg_masks(patient: Patient) -> Iterator[Finding]:
    """Find masks stored as JPEG or lossy WebP, which changes values."""
    found = [pair.mask.path for pair in patient.pairs if pair.mask and pair.has_lossy_mask and not pair.is_swapped]
    if found:
        yield Finding(
            "jpeg-masks",
            "error",
            f"{plural(found, 'mask is a JPEG or lossy WebP file', 'masks are JPEG or lossy WebP files')}",
            paths(found),
            "They blur values along every edge into ids of other classes.",
            "Export the masks as PNG; `repair` takes the nearest id or color, which is a guess along edges.",
        )


def swapped(patient: Patient) -> Iterator[Finding]:
    """Find pairs in which the mask is a photograph and the image looks like a mask."""
    found = [pair.files.image for pair in patient.pairs if pair.is_swapped]
    if found:
        yield Finding(
            "swapped",
            "error",
            f"{plural(found, 'pair has', 'pairs have')} a photograph as mask and a mask as image",
            paths(found),
            "Image and mask have changed places.",
            "Exchange the folders, or the columns of the list; `repair` does.",
        )


def colored_masks(patient: Patient) -> Iterator[Finding]:
    """Find masks that hold colors where ids are due, or other colors than those that have a class."""
    found = [pair for pair in patient.pairs if pair.has_colors and not patient.is_smooth(pair)]
    if not found:
        return
    pixels: Counter[int] = Counter()
    for pair in found:
        pixels.update(pair.colors)
    if patient.table is not None:
        yield _other_colors(patient, patient.table, found, pixels)
        return
    listed = ", ".join(f"{color_of(code)} {count:,} px" for code, count in pixels.most_common(8))
    yield Finding(
        "colored-masks",
        "error",
        f"{plural(found, 'mask is a color image', 'masks are color images')} of {len(pixels)} colors: {listed}",
        of_masks(found),
        "Masks must say which class a pixel has; a color is no class.",
        'Give the colors of the classes as `colors` in a YAML file (data set "folder"); `repair` writes one.',
    )


def _other_colors(patient: Patient, table: MaskReading, found: list[Pair], pixels: Counter[int]) -> Finding:
    """Return the finding for colors that aren't in the table of the YAML file."""
    unknown = [(code, count) for code, count in pixels.most_common() if code not in table.colors]

    def described(code: int, count: int) -> str:
        meant = table.nearest(code)
        if meant is None:
            return f"{color_of(code)} {count:,} px"
        return f"{color_of(code)} {count:,} px, near {color_of(meant)} of {name_of(table.colors[meant], patient.space)}"

    listed = "; ".join(described(code, count) for code, count in unknown[:8])
    return Finding(
        "colored-masks",
        "error",
        f"{plural(found, 'mask holds', 'masks hold')} {len(unknown)} colors that aren't in the table of the YAML file: "
        f"{listed}",
        of_masks(found),
        "Their class isn't known.",
        "Correct `colors`, or add those without a class to `void`; `repair` takes the nearest color where it is this "
        "near, and makes the others void.",
    )


def smooth_masks(patient: Patient) -> Iterator[Finding]:
    """Find masks with values in between, as JPEG or smooth resizing leave them."""
    found = [pair for pair in patient.pairs if patient.is_smooth(pair)]
    if found:
        yield Finding(
            "smooth-masks",
            "error",
            f"{plural(found, 'mask has', 'masks have')} many values that no class has",
            of_masks(found),
            "They were resized smoothly or once saved as JPEG; along every edge they name wrong classes.",
            "Export them again, resized by nearest neighbor; `repair` takes the nearest id or color, which is a guess.",
        )


def other_refusals(patient: Patient) -> Iterator[Finding]:
    """Find masks that can't be read for a reason that no other rule covers."""
    found = [
        pair
        for pair in patient.pairs
        if pair.refusal
        and pair.values is None
        and not (pair.has_colors or patient.is_smooth(pair) or pair.is_swapped or pair.has_lossy_mask)
    ]
    if found:
        yield Finding(
            "unreadable-labels",
            "error",
            str(found[0].refusal).rstrip("."),
            of_masks(found),
            "The labels can't be read.",
            "Correct them." if patient.in_memory else "Export the masks again.",
        )
