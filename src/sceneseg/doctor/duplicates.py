"""Check for images that occur twice."""

from collections import defaultdict
from collections.abc import Iterator

from sceneseg.doctor.findings import Finding, Patient, paths, plural


def duplicates(patient: Patient) -> Iterator[Finding]:
    """Find images with the same pixels, in two splits (an error) or in one (a warning)."""
    places = defaultdict(list)
    for split, part in patient.parts.items():
        for pair in part:
            if pair.digest is not None:
                places[pair.digest].append((split, pair.files.image))
    again = [found for found in places.values() if len(found) > 1]
    shared = [found for found in again if len({split for split, _ in found}) > 1]
    within = [found for found in again if len({split for split, _ in found}) == 1]
    if shared:
        yield Finding(
            "shared-images",
            "error",
            f"{plural(shared, 'image is', 'images are')} in more than one of {', '.join(patient.parts)}",
            paths(path for found in shared for _, path in found),
            "A score on training images is meaningless.",
            "Take them out of train; `repair` does.",
        )
    if within:
        yield Finding(
            "repeated-images",
            "warning",
            f"{plural(within, 'image occurs', 'images occur')} several times in a split",
            paths(path for found in within for _, path in found),
            "They weigh more than others.",
            "Keep one of each, unless that is meant.",
        )
