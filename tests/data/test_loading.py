import numpy as np
import pytest
import torch

from sceneseg.config import AugmentConfig
from sceneseg.data.cityscapes import LABEL_SPACE
from sceneseg.data.loading import StepSampler, TrainingSamples, WholeScenes, scene_loader, training_loader
from sceneseg.data.scene import Scene, SceneFiles
from sceneseg.errors import DataError


class Drawn:
    """A data set in memory, as far as loading looks at it."""

    name, split, label_space = "drawn", "train", LABEL_SPACE

    def __init__(self, count=5, sizes=((16, 24),)):
        self.files = [SceneFiles(f"s{i}", None) for i in range(count)]
        self.sizes = sizes

    def __len__(self):
        return len(self.files)

    def read(self, i, *, with_instances=False):
        size = self.sizes[i % len(self.sizes)]
        rng = np.random.default_rng(i)
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        return Scene(image, rng.integers(0, 19, size, dtype=np.uint8), None, f"s{i}")


def batches(workers, first=0, last=6, **changes):
    samples = TrainingSamples(Drawn(**changes), AugmentConfig(), seed=1, target_size=None, cache=False)
    return list(training_loader(samples, StepSampler(first, last, 2), workers))


def same(a, b):
    return a.names == b.names and torch.equal(a.image, b.image) and torch.equal(a.labels, b.labels)


def test_any_number_of_workers_gives_the_same_samples():
    assert all(same(a, b) for a, b in zip(batches(0), batches(2), strict=True))


def test_going_on_from_a_step_gives_the_same_samples():
    assert all(same(a, b) for a, b in zip(batches(0)[3:], batches(0, first=3), strict=True))


def test_processes_share_a_step():
    whole = [n for step in StepSampler(0, 3, 4) for n in step]
    parts = [n for rank in range(2) for step in StepSampler(0, 3, 4, rank, 2) for n in step]
    assert sorted(parts) == whole


def test_every_epoch_visits_every_scene_once_in_another_order():
    samples = TrainingSamples(Drawn(9), AugmentConfig(), seed=0, target_size=None, cache=True)
    orders = [[samples.scene_index(n) for n in range(9 * e, 9 * e + 9)] for e in range(3)]
    assert all(sorted(order) == list(range(9)) for order in orders)
    assert orders[0] != orders[1] != orders[2]


def test_batches_are_bytes_in_channels_last():
    batch = batches(0)[0]
    assert batch.image.dtype == batch.labels.dtype == torch.uint8
    assert batch.image.shape == (2, 3, 16, 24)
    assert batch.image.is_contiguous(memory_format=torch.channels_last)


def test_unlike_sizes_name_the_cure():
    with pytest.raises(DataError, match="2 sizes .16 x 24, 20 x 24.*--augment.crop-size"):
        batches(0, sizes=((16, 24), (20, 24)))


def test_whole_scenes_come_in_order():
    dataset = Drawn(5)
    names = [scene.name for scene in scene_loader(WholeScenes(dataset, range(1, 5, 2)), 0)]
    assert names == ["s1", "s3"]
