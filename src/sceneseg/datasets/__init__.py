"""The shelf of data sets: readers, one file each, and what turns their scenes into batches."""

from typing import TYPE_CHECKING, Any

from sceneseg.errors import DataError
from sceneseg.registry import Registry

if TYPE_CHECKING:
    from sceneseg.datasets.base import SceneDataset
    from sceneseg.datasets.image_folder import ImageFolder

datasets: Registry["SceneDataset | ImageFolder"] = Registry("data set", __name__, field="data.name")
register = datasets.register


def create(name: str, /, **arguments: Any) -> "SceneDataset":
    """Open a split of a data set of scenes.

    Raises:
        UnknownNameError: There is no such data set.
        DataError: It isn't where it should be, or its images have one class each instead of labels.
    """
    from sceneseg.datasets.base import SceneDataset

    dataset = datasets.create(name, **arguments)
    if not isinstance(dataset, SceneDataset):
        raise DataError(
            f"{dataset.name} has one class for each image, no labels to segment by. Train a classifier on it: the task "
            f"is classification.",
            field="task",
        )
    return dataset
