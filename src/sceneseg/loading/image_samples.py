"""Training samples of classified images: random crops for training, the middle of each for validation."""

from dataclasses import replace

import numpy as np
from torch.utils.data import DataLoader, Dataset

from sceneseg.arrays import ImageSize, PixelArray
from sceneseg.config.schema import AugmentConfig
from sceneseg.datasets.image_folder import ImageFolder, ImageRecord
from sceneseg.loading.scene_samples import EpochOrder, training_loader
from sceneseg.transforms.base import Sample, SampleInfo, sample_generator
from sceneseg.transforms.geometry import center_crop, cut_image
from sceneseg.transforms.pipeline import image_pipeline

CENTER = 224 / 256
"""Part of the shorter side that validation and prediction see.

Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", NeurIPS 2012.
"""


class ImageSamples(Dataset[Sample]):
    """An endless row of random crops; number n is the same for every caller, as in `TrainingSamples`.

    Args:
        dataset: Where the images come from.
        augment: What is drawn for each sample.
        seed: The run's.
        size: (height, width) of the samples.
        cache: Whether decoded images stay in memory.
    """

    def __init__(self, dataset: ImageFolder, augment: AugmentConfig, seed: int, size: ImageSize, cache: bool) -> None:
        self.dataset = dataset
        self.pipeline = image_pipeline(augment)
        self.seed = seed
        self.size = size
        self._records: dict[int, ImageRecord] | None = {} if cache else None
        self._order = EpochOrder(len(dataset), seed)

    def __getitem__(self, number: int) -> Sample:
        record = self._record(self._order[number])
        rng = sample_generator(self.seed, number)
        image_size = (record.image.shape[0], record.image.shape[1])
        info = SampleInfo(number, record.name, image_size, self.size, self.size)
        window = self.pipeline.window(rng, info)
        cropped = Sample(cut_image(record.image, window), None, name=record.name)
        sample = self.pipeline.apply(cropped, rng, info.showing(window))
        return replace(sample, labels=np.array(record.label))

    def _record(self, index: int) -> ImageRecord:
        if self._records is None:
            return self.dataset.read(index)
        if index not in self._records:
            self._records[index] = self.dataset.read(index)
        return self._records[index]


class CenterCrops(Dataset[Sample]):
    """The middle of every image, for validation.

    Args:
        dataset: Where the images come from.
        size: (height, width) of the crops.
    """

    def __init__(self, dataset: ImageFolder, size: ImageSize) -> None:
        self.dataset = dataset
        self.size = size

    def __getitem__(self, i: int) -> Sample:
        record = self.dataset.read(i)
        return Sample(crop_center(record.image, self.size), np.array(record.label), name=record.name)


def crop_center(image: PixelArray, size: ImageSize) -> PixelArray:
    """Return the middle of an image (H, W, 3), resized to (height, width)."""
    return cut_image(image, center_crop((image.shape[0], image.shape[1]), size, CENTER))


def image_loader(dataset: ImageFolder, size: ImageSize, workers: int, batch_size: int) -> "DataLoader[Sample]":
    """Return a loader of `Batch`es that together hold every image once, in order."""
    starts = range(0, len(dataset), batch_size)
    steps = [list(range(i, min(i + batch_size, len(dataset)))) for i in starts]
    return training_loader(CenterCrops(dataset, size), steps, workers)
