from dataclasses import replace

import numpy as np
import pytest
import torch

from sceneseg.config.schema import AugmentConfig
from sceneseg.datasets.base import Scene, SceneFiles
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import ConfigError, DataError
from sceneseg.loading.sampling import find_class_locations
from sceneseg.loading.scene_samples import StepSampler, TrainingSamples, WholeScenes, scene_loader, training_loader
from sceneseg.tasks.base import Step


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

    def read_labels(self, i):
        return self.read(i).labels


def batches(workers, first=0, last=6, augment=None, **changes):
    dataset, augment = Drawn(**changes), augment or AugmentConfig()
    places = find_class_locations(dataset) if augment.class_uniform else None
    samples = TrainingSamples(dataset, augment, 1, target_size=None, cache=False, places=places, epochs=(2, 6))
    return list(training_loader(samples, StepSampler(first, last, 2), workers))


EVERYTHING = AugmentConfig(
    weather={"any": 1.0, "fog": 0.5}, class_uniform=0.5, progressive=[2.0, 4.0], transforms=[{"rain": {"p": 0.7}}]
)


def same(a, b):
    return a.names == b.names and torch.equal(a.image, b.image) and torch.equal(a.labels, b.labels)


@pytest.mark.parametrize("augment", [None, EVERYTHING])
def test_any_number_of_workers_gives_the_same_samples(augment):
    alone, together = batches(0, augment=augment), batches(2, augment=augment)
    assert all(same(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("augment", [None, EVERYTHING])
def test_going_on_from_a_step_gives_the_same_samples(augment):
    whole, rest = batches(0, augment=augment), batches(0, first=3, augment=augment)
    assert all(same(a, b) for a, b in zip(whole[3:], rest, strict=True))


def test_progressive_sizes_change_between_epochs():
    sizes = [batch.image.shape[2:] for batch in batches(0, augment=AugmentConfig(progressive=[2.0, 4.0]))]
    assert sizes == [(32, 64)] * 3 + [(64, 96)] * 3


def test_weather_changes_images_and_not_labels():
    plain, rainy = batches(0), batches(0, augment=AugmentConfig(weather={"rain": 1.0}))
    assert all(torch.equal(a.labels, b.labels) for a, b in zip(plain, rainy, strict=True))
    assert not any(torch.equal(a.image, b.image) for a, b in zip(plain, rainy, strict=True))


def test_unknown_weather_is_found_before_the_first_sample():
    with pytest.raises(ConfigError, match='weather called "hail"'):
        batches(0, augment=AugmentConfig(weather={"hail": 1.0}))


class Rare(Drawn):
    """One of many scenes has the only pixels of class 18."""

    def read(self, i, *, with_instances=False):
        scene = super().read(i)
        labels = np.where(scene.labels % 2 == 1, 1, 0).astype(np.uint8)
        if i == 3:
            labels[:6, :8] = 18
        return Scene(scene.image, labels, None, scene.name)


def test_rare_classes_are_shown_as_often_as_common_ones():
    dataset = Rare(count=40, sizes=((16, 32),))

    def share(class_uniform):
        augment = AugmentConfig(scale=(1.0, 1.0), crop_size=(8, 16), class_uniform=class_uniform)
        samples = TrainingSamples(dataset, augment, 0, None, cache=True, places=find_class_locations(dataset))
        return np.mean([(samples[n].labels == 18).any() for n in range(200)])

    assert share(0.0) < 0.05
    assert 0.25 < share(1.0) < 0.5


def test_processes_share_a_step():
    whole = [n for step in StepSampler(0, 3, 4) for n in step]
    parts = [n for rank in range(2) for step in StepSampler(0, 3, 4, rank, 2) for n in step]
    assert sorted(parts) == whole


def test_every_epoch_visits_every_scene_once_in_another_order():
    samples = TrainingSamples(Drawn(9), AugmentConfig(), seed=0, target_size=None, cache=True)
    orders = [[samples.scene_index(n) for n in range(9 * e, 9 * e + 9)] for e in range(3)]
    assert all(sorted(order) == list(range(9)) for order in orders)
    assert orders[0] != orders[1] != orders[2]


class Instances(Drawn):
    """Every class is one object."""

    asked = 0

    def read(self, i, *, with_instances=False):
        scene = super().read(i)
        self.asked += with_instances
        return replace(scene, instances=scene.labels.astype(np.int32) + 1)


@pytest.mark.parametrize("workers", [0, 2])
def test_instances_are_cut_with_their_labels(workers):
    augment = AugmentConfig(weather={"any": 1.0})
    samples = TrainingSamples(Instances(), augment, 1, None, cache=False, with_instances=True)
    for batch in training_loader(samples, StepSampler(0, 4, 2), workers):
        assert batch.instances.dtype == torch.int32
        assert torch.equal(torch.where(batch.labels == 255, 0, batch.labels.int() + 1), batch.instances)


def test_instances_are_read_only_where_they_are_asked_for():
    dataset = Instances()
    batch = next(iter(training_loader(TrainingSamples(dataset, AugmentConfig(), 1, None, False), [[0, 1]], 0)))
    assert batch.instances is None
    assert dataset.asked == 0


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_images_of_other_types_give_the_same_pixels(kind):
    """A step sees what it sees of bytes, but for their rounding."""

    class Typed(Drawn):
        def read(self, i, *, with_instances=False):
            scene = super().read(i)
            unit = np.float64(257 if kind is np.uint16 else 1 / 255)
            return replace(scene, image=(scene.image * unit).astype(kind))

    class Pixels(Step):
        outputs = loss = weights = lambda self, pixels, *_: pixels

    def pixels(dataset):
        samples = TrainingSamples(dataset, AugmentConfig(), 1, None, cache=False)
        batch = next(iter(training_loader(samples, [[0, 1]], 0)))
        return batch, Pixels(samples.pipeline.device)(batch.image, batch.params)

    (_, expected), (batch, found) = pixels(Drawn()), pixels(Typed())
    assert batch.image.dtype == (torch.uint16 if kind is np.uint16 else torch.float32)
    assert (found - expected).abs().max() < 0.005


def test_unlike_types_are_refused():
    class Mixed(Drawn):
        def read(self, i, *, with_instances=False):
            scene = super().read(i)
            return replace(scene, image=scene.image.astype(np.float32) / 255) if i == 0 else scene

    with pytest.raises(DataError, match="uint8, uint16, float32; found float32 and uint8"):
        list(training_loader(TrainingSamples(Mixed(), AugmentConfig(), 1, None, False), [[0, 1, 2, 3, 4]], 0))


def test_batches_are_bytes_in_channels_last():
    batch = batches(0)[0]
    assert batch.image.dtype == batch.labels.dtype == torch.uint8
    assert batch.image.shape == (2, 3, 16, 24)
    assert batch.image.is_contiguous(memory_format=torch.channels_last)


def test_unlike_sizes_name_the_cure():
    with pytest.raises(DataError, match=r"2 sizes .16 x 24, 20 x 24.*augment\.crop_size"):
        batches(0, sizes=((16, 24), (20, 24)))


def test_whole_scenes_come_in_order():
    dataset = Drawn(5)
    names = [scene.name for scene in scene_loader(WholeScenes(dataset, range(1, 5, 2)), 0)]
    assert names == ["s1", "s3"]
