"""Masks that hold something else than ids: JPEG, colours, values in between, photographs."""

from collections import Counter
from collections.abc import Iterator

from sceneseg.datasets.folder import color_of
from sceneseg.doctor.findings import Finding, Patient, paths, plural


def jpeg_masks(patient: Patient) -> Iterator[Finding]:
    """Find masks stored as JPEG, which changes values."""
    found = [pair.mask.path for pair in patient.pairs if pair.mask and pair.has_jpeg_mask and not pair.is_swapped]
    if found:
        yield Finding(
            "jpeg-masks",
            "error",
            f"{plural(found, 'mask is a JPEG file', 'masks are JPEG files')}",
            paths(found),
            "JPEG blurs values along every edge into ids of other classes.",
            "Export the masks as PNG; --repair takes the nearest id, which is a guess along edges.",
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
            "Exchange the folders, or the columns of the list; --repair does.",
        )


def colored_masks(patient: Patient) -> Iterator[Finding]:
    """Find masks that hold colours where ids are due."""
    found = [pair for pair in patient.pairs if pair.has_colors]
    if not found:
        return
    pixels: Counter[int] = Counter()
    for pair in found:
        pixels.update(pair.colors)
    listed = ", ".join(f"{color_of(code)} {count:,} px" for code, count in pixels.most_common(8))
    yield Finding(
        "colored-masks",
        "error",
        f"{plural(found, 'mask is a colour picture', 'masks are colour pictures')} of {len(pixels)} colours: {listed}",
        paths(pair.files.labels for pair in found if pair.files.labels),
        "Masks must say which class a pixel has; a colour is no class.",
        "Give the colours of the classes as `colors` in a YAML file (-d folder); --repair writes one to fill in.",
    )


def smooth_masks(patient: Patient) -> Iterator[Finding]:
    """Find masks with values in between, as JPEG or smooth resizing leave them."""
    found = [pair for pair in patient.pairs if patient.is_smooth(pair)]
    if found:
        yield Finding(
            "smooth-masks",
            "error",
            f"{plural(found, 'mask has', 'masks have')} many values that no class has",
            paths(pair.files.labels for pair in found if pair.files.labels),
            "They were resized smoothly or once saved as JPEG; along every edge they name wrong classes.",
            "Export them again, resized by nearest neighbour; --repair takes the nearest id, which is a guess.",
        )


def other_refusals(patient: Patient) -> Iterator[Finding]:
    """Find masks that can't be read for a reason that no other rule knows."""
    found = [
        pair
        for pair in patient.pairs
        if pair.refusal
        and pair.values is None
        and not (pair.has_colors or patient.is_smooth(pair) or pair.is_swapped or pair.has_jpeg_mask)
    ]
    if found:
        yield Finding(
            "unreadable-labels",
            "error",
            str(found[0].refusal).rstrip("."),
            paths(pair.files.labels for pair in found if pair.files.labels),
            "The labels can't be read.",
            "Fetch the files again.",
        )
