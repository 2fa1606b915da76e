"""Previews of augmentation: a scene in every kind of weather, and the first samples of a run."""

import torch

from sceneseg.arrays import ImageArray
from sceneseg.config.schema import AugmentConfig, Config
from sceneseg.datasets.base import Scene, SceneDataset
from sceneseg.loading.scene_samples import TrainingSamples
from sceneseg.transforms.base import FULL_SCALE, Sample, SampleInfo, sample_generator
from sceneseg.transforms.effect import as_bytes
from sceneseg.transforms.weather import EFFECTS


def preview_weather(scene: Scene) -> list[tuple[ImageArray, str]]:
    """Show a scene in every kind of weather, as strong as training draws it by default, each with its name."""
    size = (scene.image.shape[0], scene.image.shape[1])
    info = SampleInfo(0, scene.name, size, size, size)
    strength = AugmentConfig().weather_strength
    found = []
    for number, (kind, made) in enumerate(EFFECTS.items()):
        effect = made()
        details = effect.details(sample_generator(0, number), strength, info)
        found.append((effect.paint(as_bytes(scene.image), details), kind))
    return found


def preview_samples(dataset: SceneDataset, config: Config, count: int = 6) -> list[tuple[ImageArray, str]]:
    """Show the first samples of a run, device transforms included, each with the name of its scene."""
    samples = TrainingSamples(dataset, config.augment, config.seed, config.data.target_size, cache=False)
    shown = []
    for number in range(count):
        sample = samples[number]
        shown.append((_on_device(sample, samples), sample.name))
    return shown


def _on_device(sample: Sample, samples: TrainingSamples) -> ImageArray:
    pixels = torch.from_numpy(sample.image).permute(2, 0, 1)[None].float() / FULL_SCALE[str(sample.image.dtype)]
    for name, transform in samples.pipeline.device.items():
        pixels = transform.apply(pixels, torch.from_numpy(sample.params[name])[None])
    changed: ImageArray = (pixels[0].permute(1, 2, 0) * 255).round().byte().numpy()
    return changed
