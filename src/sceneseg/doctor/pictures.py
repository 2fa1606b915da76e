"""Images that aren't upright 8-bit color images."""

from collections.abc import Iterator

from sceneseg.doctor.findings import Finding, Patient, paths, plural


def turned(patient: Patient) -> Iterator[Finding]:
    """Find images that their EXIF data turn when they are read."""
    found = [
        pair
        for pair in patient.pairs
        if pair.image.orientation != 1 and not (pair.mask and pair.mask.orientation == pair.image.orientation)
    ]
    apart = [p for p in found if p.mask and not p.mask.problem and p.mask.upright_size != p.image.upright_size]
    if apart:
        yield Finding(
            "turned-images",
            "error",
            f"{plural(apart, 'image is', 'images are')} turned by EXIF data, and the mask isn't",
            paths(pair.image.path for pair in apart),
            "Image and mask don't lie on each other.",
            "Save the images without EXIF orientation; `repair` does.",
        )
    elif found:
        yield Finding(
            "turned-images",
            "warning",
            f"{plural(found, 'image is', 'images are')} turned or mirrored by EXIF data",
            paths(pair.image.path for pair in found),
            "They are read upright here, but not by every program that may have drawn the masks.",
            "Look at some with `sceneseg data view`; `repair` saves them upright.",
        )


def unusual(patient: Patient) -> Iterator[Finding]:
    """Find images with one channel, with an alpha channel, or with 16 bits."""
    pairs = [pair for pair in patient.pairs if not pair.image.problem and not pair.is_swapped]
    kinds = (
        ("gray-images", "gray", [p for p in pairs if p.gray_image or p.image.mode in {"1", "L", "LA", "I;16", "I"}]),
        ("alpha-images", "partly transparent (they have an alpha channel)", [p for p in pairs if _alpha(p.image.mode)]),
        ("16-bit-images", "of 16 bits", [p for p in pairs if p.image.depth == 16]),
    )
    effects = {
        "gray-images": (
            "Models that are used to color see them differently.",
            "Leave them out if they are a mistake.",
        ),
        "alpha-images": ("Alpha is dropped, and what was hidden by it shows.", "Flatten them on a background."),
        "16-bit-images": ("They are read with 8 bits, which may leave them dark.", "Convert them; `repair` does."),
    }
    for kind, word, found in kinds:
        if found:
            why, cure = effects[kind]
            what = f"{plural(found, 'image is', 'images are')} {word}"
            yield Finding(kind, "warning", what, paths(pair.image.path for pair in found), why, cure)


def _alpha(mode: str) -> bool:
    return mode in {"RGBA", "LA", "PA", "RGBa", "La"}
