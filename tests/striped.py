"""A sample whose image, labels and instances say the same, to see whether they stay together."""

import numpy as np
import torch

import sceneseg
from sceneseg.config.schema import AugmentConfig
from sceneseg.loading.scene_samples import StepSampler, TrainingSamples, training_loader
from sceneseg.transforms.base import Sample, SampleInfo, sample_generator
from sceneseg.transforms.user_supplied import transform_entries

SIZE = (48, 64)
INFO = SampleInfo(0, "a", image_size=SIZE, size=SIZE, base_size=SIZE)


def striped():
    """Blocks of 8 pixels: class c has the gray value 10 (c + 1) and the instance 1000 (c + 1)."""
    blocks = np.random.default_rng(0).integers(0, 19, (SIZE[0] // 8, SIZE[1] // 8), dtype=np.uint8)
    labels = np.kron(blocks, np.ones((8, 8), np.uint8))
    labels[:4, :9] = 255
    gray = np.where(labels == 255, 0, 10 * (labels.astype(np.int32) + 1)).astype(np.uint8)
    instances = np.where(labels == 255, 0, 1000 * (labels.astype(np.int32) + 1)).astype(np.int32)
    return Sample(np.repeat(gray[..., None], 3, axis=2), labels, instances)


def check_together(before, after):
    """See that labels have no new ids, that instances belong to their labels, and that the image went with them."""
    assert set(np.unique(after.labels)) <= set(np.unique(before.labels)) | {255}
    expected = np.where(after.labels == 255, 0, 1000 * (after.labels.astype(np.int32) + 1))
    assert after.instances.dtype == np.int32
    assert np.array_equal(after.instances, expected)
    gray = np.where(after.labels == 255, 0, 10 * (after.labels.astype(np.int32) + 1))
    known = after.labels != 255
    assert (np.abs(after.image[..., 0].astype(int) - gray)[known] <= 2).mean() > 0.55, "but for the edges of blocks"


def same_with_any_workers(given):
    """Return whether batches with transforms of another library are the same, read by this process and by two."""
    scenes = [(striped().image, striped().labels)] * 4
    dataset = sceneseg.Scenes(scenes, [f"c{i}" for i in range(19)], "striped")
    with transform_entries(given) as entries:
        samples = TrainingSamples(dataset, AugmentConfig(transforms=entries), 0, None, cache=True)
        here, there = (list(training_loader(samples, StepSampler(0, 6, 2), workers)) for workers in (0, 2))
    assert not torch.equal(here[0].image[0], here[0].image[1])
    return all(
        torch.equal(a.image, b.image) and torch.equal(a.labels, b.labels) for a, b in zip(here, there, strict=True)
    )


def drawn(transform, number=0):
    return transform.draw(sample_generator(0, number), INFO)
