"""Stored evaluations of a run: which one is meant, and whether it is of the weights that the run has now."""

from pathlib import Path
from typing import TYPE_CHECKING

from sceneseg.datasets import datasets
from sceneseg.errors import RunError
from sceneseg.fetching.checks import file_sha256
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.records.protocol import Protocol
from sceneseg.records.run_directory import RunDirectory, find_weights
from sceneseg.records.scores import Origin, read_scores
from sceneseg.user_files import short_name

if TYPE_CHECKING:
    from sceneseg.evaluation.request import Request


def origin(path: Path, request: "Request", root: str | Path | None) -> Origin:
    """Return the origin of a run's evaluation; it is stored with the scores.

    Args:
        path: The run.
        request: What is asked for.
        root: Folder of the data.
    """
    return Origin(
        weights_sha256(RunDirectory(path)),
        None if root is None else str(Path(root).resolve()),
        request.target_size,
        request.void,
        None if request.label_map is None else str(request.label_map),
        None if request.absent == "skip" else request.absent,
    )


def is_current(path: Path, request: "Request") -> bool:
    """Whether a run keeps what evaluating a split of its own data set would give with the weights that it has now."""
    trained = RunDirectory(path).load_config().data
    kept = RunDirectory(path).evaluation(f"{trained.name}-{request.split}")
    if not (kept.metrics.is_file() and kept.confusion.is_file()):
        return False
    try:
        known = read_scores(kept.metrics)
    except RunError:  # damaged: it is scored again
        return False
    return known.origin == origin(path, request, trained.root)


def counts_of(path: Path, dataset: str | None = None, split: str | None = None) -> RunDirectory:
    """Return where a run has the counts of a split: they are its own, or those of an evaluation that it keeps.

    Args:
        path: A run, or an evaluation in it.
        dataset: Name of the data set; that of its scores when absent.
        split: Its part; that of its scores, or val of another data set, when absent.

    Raises:
        RunError: It has none, or they are of weights that the run doesn't have any more.
    """
    given = RunDirectory(path)
    scored = read_scores(given.metrics).protocol
    name = short_name(datasets.resolve(dataset)) if dataset else scored.dataset
    part = split or (scored.split if name == scored.dataset else "val")

    def is_of_it(protocol: Protocol) -> bool:
        return (protocol.dataset, protocol.split) == (name, part)

    if is_of_it(scored):
        return given
    if given.home.metrics.is_file() and is_of_it(read_scores(given.home.metrics).protocol):
        return given.home
    kept = given.home.evaluation(f"{name}-{part}")
    cure = f"Score the weights of {given.home.path} on {name} {part} first."
    if not kept.metrics.is_file():
        raise RunError(
            f"{path}: expected counts of {name} {part}, found those of {scored.dataset} {scored.split}. {cure}",
            field="split",
        )
    made = read_scores(kept.metrics).origin
    if made and made.weights_sha256 not in (None, weights_sha256(given.home)):
        raise RunError(f"{kept.path}: expected scores of the weights that the run has, found those of others. {cure}")
    return kept


def origin_of(kept: RunDirectory) -> Origin | None:
    """Return what counts were made with, for the scores that are made of them; None where it isn't known."""
    if kept.path != kept.home.path:
        return read_scores(kept.metrics).origin
    digest = weights_sha256(kept)
    return Origin(digest) if digest else None


def weights_sha256(run: RunDirectory) -> str | None:
    """Return the sha256 of the weights that a run is scored with; None where it has none."""
    there = run.best.is_file() or run.last.is_file()
    return file_sha256(find_weights(run.path), ProgressReporter()) if there else None
