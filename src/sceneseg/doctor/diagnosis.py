"""Diagnosis of a data set: every file in parallel, or the cheap part before a training."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np

from sceneseg import datasets
from sceneseg.datasets.base import FileListError, SceneDataset
from sceneseg.datasets.in_memory import Scenes
from sceneseg.datasets.packed import Packed
from sceneseg.doctor.classes import empty_classes, mixed_void, void_splits
from sceneseg.doctor.duplicates import duplicates
from sceneseg.doctor.facts import Pair, examine, look_at
from sceneseg.doctor.files import is_absent, missing, orphans, repeated_names, unequal_sizes, unreadable, unusable
from sceneseg.doctor.findings import Finding, Patient, Rule
from sceneseg.doctor.ids import wrong_ids
from sceneseg.doctor.jpeg import JpegChecker
from sceneseg.doctor.masks import colored_masks, jpeg_masks, other_refusals, smooth_masks, swapped
from sceneseg.doctor.palettes import differing_palettes, misplaced_colors, transparent_masks, two_meanings
from sceneseg.doctor.pictures import turned, unusual
from sceneseg.errors import DataError
from sceneseg.registry import name_of
from sceneseg.wording import counted

FILES: tuple[Rule, ...] = (missing, unreadable, unequal_sizes, turned, duplicates, repeated_names)
LABELS: tuple[Rule, ...] = (
    *(swapped, jpeg_masks, colored_masks, smooth_masks, wrong_ids, other_refusals),
    *(differing_palettes, misplaced_colors, two_meanings),
)
CLASSES: tuple[Rule, ...] = (empty_classes, void_splits, mixed_void)
"""They are asked when all labels are known, and it is known what they mean."""
REST: tuple[Rule, ...] = (orphans, unusual, transparent_masks)
SAMPLED = 32
"""Masks of each split that are decoded before a training."""
SMALL = 50_000_000
"""Pixels of images up to which all of a data set is looked at before a training, in seconds."""
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Diagnosis:
    """Result of an examination.

    Args:
        patient: What was examined.
        findings: Errors first.
        left_out: Why a split wasn't examined.

    Example:
        >>> import sceneseg
        >>> sceneseg.doctor("cityscapes", "data/toy").left_out
        {}
    """

    patient: Patient
    findings: list[Finding]
    left_out: dict[str, str]

    @property
    def errors(self) -> list[Finding]:
        """The findings that spoil training or scores."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """The findings that should be known."""
        return [finding for finding in self.findings if finding.severity == "warning"]

    @property
    def images(self) -> dict[str, int]:
        """Split -> number of images that were examined."""
        return {split: len(part) for split, part in self.patient.parts.items()}


def diagnose(
    name: str,
    root: str | Path | None = None,
    splits: Iterable[str] = (),
    options: Mapping[str, object] | None = None,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> Diagnosis:
    """Examine every image and mask of a data set.

    Args:
        name: The data set.
        root: Its folder.
        splits: Those to examine; train, val and test as far as they are there, when empty.
        options: Further arguments of the data set.
        progress: Is called with the number of pairs that are done, and of all.
        workers: Threads; one per core when absent. The findings don't depend on it.

    Raises:
        DataError: No split can be opened.
    """
    opened, refused = _open(name, root, tuple(splits) or SPLITS, options or {})
    patient = _examine(opened, progress=progress, workers=workers)
    left_out = {split: str(error) for split, error in refused.items() if is_absent(split, error)}
    return Diagnosis(patient, _sorted([*_verdict(patient), *_apply(REST, patient), *unusable(refused)]), left_out)


def quick_check(train: SceneDataset, val: SceneDataset) -> list[Finding]:
    """Look at what can be seen in seconds, before a training.

    Of small data sets that is everything. Of large ones it is all headers, some masks, and files that both splits
    have; where these look as if there were an error, all files are read, so that the verdict is the one of `diagnose`.

    Returns:
        The warnings.

    Raises:
        DataError: There are errors; the message has all of them.
    """
    opened = {"train": train, "val": val} if val is not train else {"train": train}
    if _pixels(opened) <= SMALL:
        findings = _verdict(_examine(opened))
    else:
        sample = _examine(opened, images=False, masks=SAMPLED)
        findings = _apply((*FILES, *LABELS), sample)
        if any(finding.severity == "error" for finding in findings):
            findings = _verdict(_examine(opened))
        elif any(f.kind == "mixed-255" or f.severity == "error" for f in _apply(CLASSES, sample)):
            findings = _verdict(_examine(opened, images=False))
    if errors := [finding for finding in findings if finding.severity == "error"]:
        listed = "\n".join(f"  {finding.kind}: {finding}" for finding in errors)
        number = counted(len(errors), "error")
        more = f"\n`sceneseg data doctor` shows everything; the data set is {shelf_name(train)} in {train.root}."
        raise DataError(
            f"{train.name}: images and labels have {number} that would spoil the training.\n{listed}"
            f"{'' if isinstance(train, Scenes) else more}"
        )
    return findings


def shelf_name(dataset: SceneDataset) -> str:
    """Return what a data set is asked for by; a pack has the name of what was packed."""
    return name_of(type(dataset))


def _examine(
    opened: dict[str, SceneDataset],
    *,
    images: bool = True,
    masks: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> Patient:
    """Look at every pair, in the order of splits and files.

    Args:
        opened: The splits.
        images: Whether pixels of images are read; else files are compared byte by byte.
        masks: Number of masks of each split that are read; None: all.
        progress: As for `diagnose`.
        workers: As for `diagnose`.
    """
    jobs = [(split, i) for split, dataset in opened.items() for i in range(len(dataset.files))]
    counts = {split: len(dataset.files) for split, dataset in opened.items()}
    some = {
        split: set(np.linspace(0, n - 1, min(n if masks is None else masks, n)).round().astype(int).tolist())
        for split, n in counts.items()
    }

    if any(isinstance(dataset, Scenes) for dataset in opened.values()):
        workers = 1  # it isn't known whether what a program made may be read by several threads
    parts: dict[str, list[Pair]] = {split: [] for split in opened}
    with JpegChecker() as jpeg, ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:

        def look(job: tuple[str, int]) -> Pair:
            split, i = job
            return examine(opened[split], i, images, i in some[split], jpeg if images else None)

        for done, (job, pair) in enumerate(zip(jobs, pool.map(look, jobs), strict=True), start=1):
            parts[job[0]].append(pair)
            if progress:
                progress(done, len(jobs))
    return Patient(opened, parts if images else _with_digests(parts))


def _pixels(opened: dict[str, SceneDataset]) -> int:
    """Estimate the number of pixels of all images by the first of each split."""
    return sum(len(dataset.files) * height * width for dataset in opened.values() for height, width in [_size(dataset)])


def _size(dataset: SceneDataset) -> tuple[int, int]:
    if isinstance(dataset, Scenes):
        height, width = dataset.read(0).image.shape[:2]
        return height, width
    if isinstance(dataset, Packed):
        return dataset.entry(0).height, dataset.entry(0).width
    return look_at(dataset.files[0].image).size


def _verdict(patient: Patient) -> list[Finding]:
    """Ask all rules that have to do with training."""
    findings = _apply((*FILES, *LABELS), patient)
    if _apply(LABELS, patient):
        return findings
    return _sorted([*findings, *_apply(CLASSES, patient)])


def _apply(rules: Iterable[Rule], patient: Patient) -> list[Finding]:
    return _sorted([finding for rule in rules for finding in rule(patient)])


def _with_digests(parts: dict[str, list[Pair]]) -> dict[str, list[Pair]]:
    """Add digests of the files, only where two have the same length: others can't be the same."""
    lengths = Counter(pair.image.length for part in parts.values() for pair in part)

    def digested(pair: Pair) -> Pair:
        if (
            pair.digest is not None
            or pair.image.problem is not None
            or lengths[pair.image.length] < 2
            or pair.in_memory
        ):
            return pair
        return replace(pair, digest=blake2b(pair.files.image.read_bytes(), digest_size=16).digest())

    return {split: [digested(pair) for pair in part] for split, part in parts.items()}


def _open(
    name: str, root: str | Path | None, splits: tuple[str, ...], options: Mapping[str, object]
) -> tuple[dict[str, SceneDataset], dict[str, DataError]]:
    opened: dict[str, SceneDataset] = {}
    refused: dict[str, DataError] = {}
    for split in splits:
        try:
            opened[split] = datasets.create(name, root=root, split=split, **options)
        except FileListError as error:  # open all the same; the rules say which files are missing
            opened[split] = error.dataset
        except DataError as error:
            refused[split] = error
    if not opened:
        raise next(iter(refused.values()))
    return opened, refused


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.severity == "warning")
