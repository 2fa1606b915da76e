"""Files that are missing, damaged, or of unequal sizes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from os.path import isfile
from pathlib import Path

from sceneseg.datasets.base import NoSplitError, SceneFiles
from sceneseg.datasets.files import IMAGES
from sceneseg.doctor.findings import Finding, Patient, paths, plural
from sceneseg.errors import DataError


def missing(patient: Patient) -> Iterator[Finding]:
    """Find images and masks that should be there and aren't."""
    images = [pair.files.image for pair in patient.pairs if not (pair.in_memory or isfile(pair.files.image))]
    if images:
        yield Finding(
            "missing-images",
            "error",
            f"{plural(images, 'image that is listed does', 'images that are listed do')}n't exist",
            paths(images),
            "There is nothing to learn from or to score.",
            "Add the files, or take their lines out of the list.",
        )
    masks = [pair.files.labels for pair in patient.pairs if pair.files.labels and not isfile(pair.files.labels)]
    if masks:
        yield Finding(
            "missing-masks",
            "error",
            f"{plural(masks, 'image has', 'images have')} no mask",
            paths(masks),
            "An image without labels can neither be learned from nor be scored.",
            "Add the masks, or remove the images; `repair` leaves them out.",
        )


def repeated_names(patient: Patient) -> Iterator[Finding]:
    """Find images of one split that have the same name."""
    for split, part in patient.parts.items():
        names = Counter(pair.files.name for pair in part)
        again = [pair.files.image for pair in part if names[pair.files.name] > 1]
        if again:
            yield Finding(
                "repeated-names",
                "error",
                f"{len(again)} images of {split} have the name of another",
                paths(again),
                "Their results and scores would be mixed up, and an image that is listed twice would count twice.",
                "Rename them, or take repeated lines out of the list.",
            )


def is_absent(split: str, error: DataError) -> bool:
    """Return whether a split that can't be opened isn't there or, being the test split, isn't needed."""
    return split == "test" or isinstance(error, NoSplitError)


def unusable(refused: Mapping[str, DataError]) -> Iterator[Finding]:
    """Find splits that are there but can't be opened; `refused` has the reason of each."""
    for split, error in refused.items():
        if not is_absent(split, error):
            yield Finding(
                "unusable-split",
                "error",
                f"the {split} split can't be opened: {str(error).rstrip('.')}",
                (split,),
                "It can neither be learned from nor be scored.",
                "Fix what the message describes.",
            )


def orphans(patient: Patient) -> Iterator[Finding]:
    """Find masks that no image belongs to."""
    listed = {pair.files.labels for pair in patient.pairs}
    found: set[Path] = set()
    for folder, image_folder, ending in sorted({_place(pair.files) for pair in patient.pairs if pair.files.labels}):
        if folder.is_dir() and image_folder.is_dir():
            images = {p.stem for p in image_folder.iterdir() if p.suffix.lower() in IMAGES}
            candidates = (p for p in folder.glob(f"*{ending}") if p not in listed and not p.is_dir())
            found |= {p for p in candidates if ending and p.name.removesuffix(ending) not in images}
    if found:
        yield Finding(
            "orphan-masks",
            "warning",
            f"{plural(list(found), 'mask has', 'masks have')} no image",
            paths(found),
            "They are not used.",
            "Add the images, rename them to match, or remove the masks.",
        )


def _place(files: SceneFiles) -> tuple[Path, Path, str]:
    """Return the folders of mask and image, and what the mask's name has in place of the image's ending."""
    labels = files.labels or files.image
    ending = labels.name.removeprefix(files.image.stem) if labels.name.startswith(files.image.stem) else ""
    return labels.parent, files.image.parent, ending


def unreadable(patient: Patient) -> Iterator[Finding]:
    """Find images that can't be decoded, or a part of which is missing, and sound ones of kinds that aren't read."""
    broken = [p for pair in patient.pairs for p in (pair.image, pair.mask) if p and p.problem and p.path.is_file()]
    if sound := [image for image in broken if image.is_sound]:
        reasons = sorted({str(image.problem).rstrip(".") for image in sound})
        yield Finding(
            "unsupported",
            "error",
            f"{plural(sound, 'file is', 'files are')} of a kind that isn't read: {'; '.join(reasons[:3])}",
            paths(image.path for image in sound),
            "The files are sound, but what their numbers mean is not known here.",
            "Save images as RGB with 8 bits, masks as ids of 8 or 16 bits; `repair` leaves the files out.",
        )
    if pictures := [image for image in broken if not image.is_sound]:
        reasons = sorted({str(image.problem) for image in pictures})
        yield Finding(
            "unreadable",
            "error",
            f"{plural(pictures, 'file is', 'files are')} damaged: {'; '.join(reasons[:3])}",
            paths(image.path for image in pictures),
            "Training would stop there, or learn from pixels that are wrong.",
            "Fetch or export them again; `repair` leaves them out.",
        )


def unequal_sizes(patient: Patient) -> Iterator[Finding]:
    """Find masks that don't have the size of their image."""
    odd = [
        pair
        for pair in patient.pairs
        if pair.mask and not pair.mask.problem and not pair.image.problem
        if pair.mask.upright_size not in {pair.image.upright_size, pair.image.size}
    ]
    if odd:
        first = odd[0]
        sizes = " x ".join(map(str, first.mask.size if first.mask else ())), " x ".join(map(str, first.image.size))
        yield Finding(
            "unequal-sizes",
            "error",
            f"{plural(odd, 'mask has', 'masks have')} another size than the image; the first is {sizes[0]}, its image "
            f"{sizes[1]}",
            paths(pair.mask.path for pair in odd if pair.mask),
            "Labels that are shifted or stretched teach wrong pixels.",
            "Export the masks at the size of the images; `repair` resizes those of the same shape.",
        )
