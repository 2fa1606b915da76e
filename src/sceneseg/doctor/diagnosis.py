"""From a data set to findings: everything in parallel, or the cheap part before a training."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from sceneseg import datasets
from sceneseg.datasets.base import FileListError, SceneDataset
from sceneseg.doctor.classes import empty_classes, void_splits
from sceneseg.doctor.duplicates import duplicates
from sceneseg.doctor.facts import Pair, examine
from sceneseg.doctor.files import is_absent, missing, orphans, repeated_names, unequal_sizes, unreadable, unusable
from sceneseg.doctor.findings import Finding, Patient, Rule
from sceneseg.doctor.ids import wrong_ids
from sceneseg.doctor.masks import colored_masks, jpeg_masks, other_refusals, smooth_masks, swapped
from sceneseg.doctor.pictures import turned, unusual
from sceneseg.errors import DataError
from sceneseg.wording import counted

FILES: tuple[Rule, ...] = (missing, unreadable, unequal_sizes, turned, duplicates, repeated_names)
LABELS: tuple[Rule, ...] = (swapped, jpeg_masks, colored_masks, smooth_masks, wrong_ids, other_refusals)
REST: tuple[Rule, ...] = (orphans, unusual)
SAMPLED = 32
"""Masks of each split that are decoded before a training."""
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Diagnosis:
    """What came of an examination.

    Args:
        patient: What was examined.
        findings: Errors first.
        left_out: Why a split wasn't examined.
    """

    patient: Patient
    findings: list[Finding]
    left_out: dict[str, str]

    @property
    def errors(self) -> list[Finding]:
        """The findings that spoil training or scores."""
        return [finding for finding in self.findings if finding.severity == "error"]


def diagnose(
    name: str,
    root: str | Path | None = None,
    splits: Iterable[str] = (),
    options: dict[str, Any] | None = None,
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
    patient = _examine(opened, everything=True, progress=progress, workers=workers)
    findings = _apply((*FILES, *LABELS, *REST), patient)
    if not _apply(LABELS, patient):  # else it isn't known yet what the labels mean
        findings = _sorted([*findings, *void_splits(patient), *empty_classes(patient)])
    findings = _sorted([*findings, *unusable(refused)])
    left_out = {split: str(error) for split, error in refused.items() if is_absent(split, error)}
    return Diagnosis(patient, findings, left_out)


def quick_check(train: SceneDataset, val: SceneDataset) -> list[Finding]:
    """Look at what can be seen in seconds, before a training: all headers, some masks, and files that both splits have.

    Returns:
        The warnings.

    Raises:
        DataError: There are errors; the message has all of them.
    """
    opened = {"train": train, "val": val} if val is not train else {"train": train}
    glance = _examine(opened, everything=False)
    findings = _apply((*FILES, *LABELS), glance)
    doubtful = any(finding.severity == "error" for finding in findings) or any(void_splits(glance))
    if doubtful:  # so look closely before refusing
        patient = _examine(opened, everything=True)
        findings = _apply((*FILES, *LABELS), patient)
        if not _apply(LABELS, patient):
            findings = _sorted([*findings, *void_splits(patient)])
    if errors := [finding for finding in findings if finding.severity == "error"]:
        listed = "\n".join(f"  {finding.kind}: {finding}" for finding in errors)
        raise DataError(
            f"{train.name}: images and labels have {counted(len(errors), 'error')} that would spoil the training."
            f"\n{listed}\nSee everything with: sceneseg data doctor -d {shelf_name(train)} -p {train.root}"
        )
    return findings


def shelf_name(dataset: SceneDataset) -> str:
    """Return what a data set is asked for by; a pack has the name of what was packed."""
    return type(dataset).__module__.rpartition(".")[2]


def _examine(
    opened: dict[str, SceneDataset],
    *,
    everything: bool,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> Patient:
    """Look at every pair, in the order of splits and files; else at headers and some masks, and no image's pixels."""
    jobs = [(split, i) for split, dataset in opened.items() for i in range(len(dataset.files))]
    counts = {split: len(dataset.files) for split, dataset in opened.items()}
    some = {
        split: set(np.linspace(0, n - 1, min(SAMPLED, n)).round().astype(int).tolist()) for split, n in counts.items()
    }

    def look(job: tuple[str, int]) -> Pair:
        split, i = job
        return examine(opened[split], i, image_pixels=everything, mask_pixels=everything or i in some[split])

    parts: dict[str, list[Pair]] = {split: [] for split in opened}
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for done, (job, pair) in enumerate(zip(jobs, pool.map(look, jobs), strict=True), start=1):
            parts[job[0]].append(pair)
            if progress:
                progress(done, len(jobs))
    return Patient(opened, parts if everything else _with_digests(parts))


def _apply(rules: Iterable[Rule], patient: Patient) -> list[Finding]:
    return _sorted([finding for rule in rules for finding in rule(patient)])


def _with_digests(parts: dict[str, list[Pair]]) -> dict[str, list[Pair]]:
    """Add digests of the files, only where two have the same length: others can't be the same."""
    lengths = Counter(pair.image.length for part in parts.values() for pair in part)

    def digested(pair: Pair) -> Pair:
        if pair.digest is not None or pair.image.problem is not None or lengths[pair.image.length] < 2:
            return pair
        return replace(pair, digest=blake2b(pair.files.image.read_bytes(), digest_size=16).digest())

    return {split: [digested(pair) for pair in part] for split, part in parts.items()}


def _open(
    name: str, root: str | Path | None, splits: tuple[str, ...], options: dict[str, Any]
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
