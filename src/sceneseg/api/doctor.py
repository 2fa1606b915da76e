"""`doctor` and `repair`: what is wrong with the images and masks of a data set, and a copy in which it is cured."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sceneseg.api.progress import OnProgress, counter, ignore
from sceneseg.doctor.diagnosis import Diagnosis, diagnose
from sceneseg.doctor.repair import Repaired
from sceneseg.doctor.repair import repair as write_repaired


def doctor(
    data: str,
    root: str | Path | None = None,
    *,
    splits: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
    on_progress: OnProgress = ignore,
) -> Diagnosis:
    """Find what is wrong with images and masks, why it matters and how to cure it. Every image and mask is read.

    Args:
        data: Name of the data set.
        root: Its folder; the environment variable ``<NAME>_DATASET`` when absent.
        splits: Those to examine; train, val and test, as far as they are there, when empty.
        options: Further arguments of the data set.
        on_progress: Called after each pair of image and mask.

    Returns:
        What was found, errors first; `repair` takes it.

    Raises:
        DataError: No split can be opened.

    Example:
        >>> import sceneseg
        >>> found = sceneseg.doctor("cityscapes", "data/toy")
        >>> found.images, [finding.kind for finding in found.errors]
        ({'train': 9, 'val': 2, 'test': 1}, [])
    """
    return diagnose(data, root, splits, dict(options or {}), counter(on_progress, "examining"))


def repair(diagnosis: Diagnosis, out: str | Path, *, on_progress: OnProgress = ignore) -> Repaired:
    """Write a copy of a data set in which what can be cured is cured; the data set "folder" reads it.

    Args:
        diagnosis: What `doctor` found.
        out: A new or empty folder, or one in which a repair was interrupted.
        on_progress: Called after each pair of image and mask.

    Raises:
        DataError: The folder isn't empty, or the data set is packed.

    Example:
        >>> import sceneseg
        >>> found = sceneseg.doctor("cityscapes", "data/toy", splits=["train"])
        >>> sceneseg.repair(found, "data/repaired").pairs
        9
    """
    return write_repaired(diagnosis, Path(out), counter(on_progress, "repairing"))
