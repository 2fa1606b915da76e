"""Images with their labels: checking that every file is there, and holding out a part where no split is official."""

from collections.abc import Sequence
from os.path import isfile
from typing import TypeVar

from sceneseg.datasets.base import FileListError, SceneDataset, SceneFiles

T = TypeVar("T")


class MissingFilesError(FileListError):
    """Files of a data set that should be there and aren't; they are among its files all the same."""


def require(dataset: SceneDataset, files: list[SceneFiles], cure: str) -> list[SceneFiles]:
    """Return the files if all of them exist.

    Args:
        dataset: Data set of the files.
        files: What it should have.
        cure: The end of the message: what to do about missing labels.

    Raises:
        MissingFilesError: Some don't exist.
    """
    images = [item.image for item in files if not isfile(item.image)]  # Path.is_file raises for too long names
    labels = [item for item in files if item.labels and not isfile(item.labels)]
    if not images and not labels:
        return files
    dataset.files = files
    if images:
        raise MissingFilesError(f"{images[0]}: the image is missing{_more(images)}, but it is listed. {cure}", dataset)
    first = labels[0]
    raise MissingFilesError(
        f"{first.labels}: the labels of {first.image.name} are missing{_more(labels)}. {cure}", dataset
    )


def held_out(items: Sequence[T], split: str, share: int = 5) -> list[T]:
    """Return the part of a sequence that a split made here consists of.

    The last fifth is val and the rest train, so that neighbors (frames of one drive) mostly stay together;
    trainval is all.
    """
    val = len(items) // share
    cut = len(items) - val
    return list({"train": items[:cut], "val": items[cut:]}.get(split, items))


def _more(items: Sequence[object]) -> str:
    return f" ({len(items)} such)" if len(items) > 1 else ""
