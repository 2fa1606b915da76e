"""Training samples of scenes: which sample comes when, read and augmented in any number of processes."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from sceneseg.arrays import ImageSize
from sceneseg.config.schema import AugmentConfig
from sceneseg.datasets.base import Scene, SceneDataset
from sceneseg.datasets.image_folder import ImageFolder
from sceneseg.errors import DataError
from sceneseg.loading.sampling import (
    ClassLocation,
    ClassLocations,
    aim,
    draw_class_location,
    progressive_factor,
    shrunk,
)
from sceneseg.loading.workers import Loader
from sceneseg.transforms.base import FULL_SCALE, Sample, SampleInfo, sample_generator
from sceneseg.transforms.geometry import cut, cut_instances
from sceneseg.transforms.pipeline import scene_pipeline


@dataclass(frozen=True)
class Batch:
    """Training samples.

    Args:
        image: (B, 3, H, W) uint8, uint16 or float32.
        labels: (B, H, W) uint8 train ids, or (B,) int64 classes of whole images.
        instances: (B, H, W) int32, 0 where there is no single object; None unless the task asks for them.
        params: What each device transform has drawn, (B, ...) float32 by its name.
        names: The scenes or images they were cut from.
    """

    image: Tensor
    labels: Tensor
    instances: Tensor | None
    params: dict[str, Tensor]
    names: list[str]

    def pin_memory(self) -> "Batch":
        """Return the batch in memory from which a GPU copies while it computes; the loader asks for it."""
        return Batch(
            self.image.pin_memory(),
            self.labels.pin_memory(),
            None if self.instances is None else self.instances.pin_memory(),
            {name: drawn.pin_memory() for name, drawn in self.params.items()},
            self.names,
        )


class TrainingSamples(Dataset[Sample]):
    """An endless row of augmented samples; number n is the same for every caller.

    Pass ``n // len(dataset)`` visits every scene once, in an order drawn from (seed, pass).

    Args:
        dataset: Where the scenes come from.
        augment: What is drawn for each sample.
        seed: The run's.
        target_size: Size that scale 1 stands for; the image's own when None.
        cache: Whether decoded scenes stay in memory.
        places: Where the classes are, for class-uniform sampling.
        epochs: Epochs of the run and samples of each, for progressive sizes.
        with_instances: Whether instances are read and cut, too.
    """

    def __init__(
        self,
        dataset: SceneDataset,
        augment: AugmentConfig,
        seed: int,
        target_size: ImageSize | None,
        cache: bool,
        places: ClassLocations | None = None,
        epochs: tuple[int, int] = (1, 1),
        with_instances: bool = False,
    ) -> None:
        self.dataset = dataset
        self.augment = augment
        self.pipeline = scene_pipeline(augment)
        self.seed = seed
        self.target_size = target_size
        self.places = places
        self.epochs, self.epoch_samples = epochs
        self.with_instances = with_instances
        self._scenes: dict[int, Scene] | None = {} if cache else None
        self._order = EpochOrder(len(dataset), seed)

    def __getitem__(self, number: int) -> Sample:
        place = self._place(number)
        scene = self._scene(self._order[number] if place is None else place.scene)
        if scene.labels is None:
            raise DataError(f"{self.dataset.name}: the {self.dataset.split} split has no labels to learn from.")
        rng = sample_generator(self.seed, number)
        image_size = (scene.image.shape[0], scene.image.shape[1])
        base_size, size = self._sizes(number, image_size)
        info = SampleInfo(number, scene.name, image_size, size, base_size)
        window = self.pipeline.window(rng, info)
        if place is not None:
            window = aim(rng, window, place, image_size)
        image, labels = cut(scene.image, scene.labels, window)
        instances = None
        if self.with_instances and scene.instances is not None:
            instances = cut_instances(scene.instances, window)
        return self.pipeline.apply(Sample(image, labels, instances, scene.name), rng, info.showing(window))

    def scene_index(self, number: int) -> int:
        """Return which scene sample `number` is cut from."""
        place = self._place(number)
        return self._order[number] if place is None else place.scene

    def _place(self, number: int) -> ClassLocation | None:
        return draw_class_location(self.places, self.seed, number, self.augment.class_uniform) if self.places else None

    def _sizes(self, number: int, image_size: ImageSize) -> tuple[ImageSize, ImageSize]:
        """Return the size that scale 1 stands for, and that of the sample."""
        base = self.target_size or image_size
        stages = self.augment.progressive or [1.0]
        factor = progressive_factor(stages, number // self.epoch_samples, self.epochs)
        size = shrunk(self.augment.crop_size or base, factor)
        return (base if factor == 1 else (round(base[0] * factor), round(base[1] * factor))), size

    def _scene(self, index: int) -> Scene:
        if self._scenes is None:
            return self._read(index)
        if index not in self._scenes:
            self._scenes[index] = self._read(index)
        return self._scenes[index]

    def _read(self, index: int) -> Scene:
        return self.dataset.read(index, with_instances=True) if self.with_instances else self.dataset.read(index)


class EpochOrder:
    """Endless order of `length` items: every epoch has all of them, in an order of its own."""

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self._epoch = -1
        self._order = np.empty(0, np.int64)

    def __getitem__(self, number: int) -> int:
        epoch, position = divmod(number, self.length)
        if self._epoch != epoch:
            # the epoch's own stream, separate from the samples' (whose second key is the sample number)
            generator = np.random.Generator(np.random.Philox(key=[self.seed, epoch], counter=[0, 0, 0, 1]))
            self._epoch, self._order = epoch, generator.permutation(self.length)
        return int(self._order[position])


class StepSampler(Sampler[list[int]]):
    """The sample numbers of each step, from any step on; several processes take turns within a step."""

    def __init__(self, first_step: int, last_step: int, batch_size: int, rank: int = 0, world: int = 1) -> None:
        self.steps = range(first_step, last_step)
        self.batch_size = batch_size
        self.rank, self.world = rank, world

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            yield list(range(step * self.batch_size + self.rank, (step + 1) * self.batch_size, self.world))


def training_loader(
    samples: Dataset[Sample], steps: Iterable[list[int]], workers: int, pinned: bool = False
) -> "DataLoader[Sample]":
    """Return a loader of `Batch`es.

    Args:
        samples: Where they come from.
        steps: The sample numbers of each batch.
        workers: Processes that read.
        pinned: Whether they lie in pinned memory, for a GPU.
    """
    return Loader(
        samples, batch_sampler=steps, collate_fn=_collate, pin_memory=pinned, num_workers=workers, generator=_no_draw()
    )


def _no_draw() -> torch.Generator:
    """Return a generator for a loader, which else would draw from the global one, whose numbers belong to the model.

    Samples take nothing from it.
    """
    return torch.Generator().manual_seed(0)


def _collate(samples: list[Sample]) -> Batch:
    """Stack samples.

    Raises:
        DataError: They have unlike sizes or types, or some have instances and some none.
    """
    images = [sample.image for sample in samples]
    sizes = {image.shape[:2] for image in images}
    if len(sizes) > 1:
        found = ", ".join(f"{height} x {width}" for height, width in sorted(sizes)[:3])
        raise DataError(
            f"The images of a batch have {len(sizes)} sizes ({found}, ...). Give them one with augment.crop_size or "
            f"data.target_size.",
            field="augment.crop_size",
        )
    kinds = {image.dtype for image in images}
    if len(kinds) > 1 or str(images[0].dtype) not in FULL_SCALE:
        found = " and ".join(sorted(str(kind) for kind in kinds))
        raise DataError(
            f"Images of a batch must be of one type, {', '.join(FULL_SCALE)}; found {found} in {samples[0].name}, ..."
        )
    instances = [sample.instances for sample in samples if sample.instances is not None]
    if instances and len(instances) < len(samples):
        raise DataError(f"{samples[0].name}, ...: some scenes have instances and some none.")
    return Batch(
        torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2),  # channels_last, as it lies in memory
        torch.from_numpy(np.stack([sample.labels for sample in samples if sample.labels is not None])),
        torch.from_numpy(np.stack(instances)) if instances else None,
        {name: torch.from_numpy(np.stack([s.params[name] for s in samples])) for name in samples[0].params},
        [sample.name for sample in samples],
    )


class WholeScenes(Dataset[Scene]):
    """Scenes as they are, for validation.

    Args:
        dataset: Where the scenes come from.
        indices: Which of them; several processes take turns, so that none counts twice.
    """

    def __init__(self, dataset: SceneDataset, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Scene:
        return self.dataset.read(self.indices[i], with_instances=True)


def evenly(number: int, wanted: int | None) -> list[int]:
    """Return that many of `number` positions at even distances, the first and the last among them; all when None.

    >>> evenly(9, 3), evenly(2, 5), evenly(3, None)
    ([0, 4, 8], [0, 1], [0, 1, 2])
    """
    if wanted is None or wanted >= number:
        return list(range(number))
    return np.linspace(0, number - 1, wanted).round().astype(int).tolist()


def scene_loader(scenes: WholeScenes, workers: int) -> "DataLoader[Scene]":
    """Return a loader that yields one scene at a time, in order."""
    return Loader(scenes, batch_size=None, collate_fn=_same, num_workers=workers, generator=_no_draw())


def default_workers() -> int:
    """Return how many reading processes suit this machine: none on two cores, where they would only be in the way."""
    cores = os.cpu_count() or 1
    return 0 if cores <= 2 else min(8, cores - 1)


def fits_in_memory(dataset: SceneDataset | ImageFolder, workers: int) -> bool:
    """Return whether all decoded scenes take less than a quarter of the memory, in every process that reads."""
    size = sum(part.nbytes for part in vars(dataset.read(0)).values() if isinstance(part, np.ndarray))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return size * len(dataset) * max(1, workers) < memory / 4


def _same(scene: Any) -> Any:
    return scene
