"""The shelf of data sets: readers, one file each, and what turns their scenes into batches."""

from typing import TYPE_CHECKING

from sceneseg.registry import Registry

if TYPE_CHECKING:
    from sceneseg.data.scene import SceneDataset

datasets: Registry["SceneDataset"] = Registry("data set", __name__)
register = datasets.register
create = datasets.create
