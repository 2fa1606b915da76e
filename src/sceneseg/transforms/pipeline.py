"""The transforms of a run, in order: made from its configuration, applied to its samples."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sceneseg import transforms as shelf
from sceneseg.arrays import FloatArray
from sceneseg.config.schema import AugmentConfig
from sceneseg.errors import ConfigError, DataError
from sceneseg.standalone import unique
from sceneseg.transforms.base import DeviceTransform, Sample, SampleInfo, SampleTransform, Transform, WindowTransform
from sceneseg.transforms.color_jitter import ColorJitter
from sceneseg.transforms.flip import Flip
from sceneseg.transforms.geometry import Window
from sceneseg.transforms.random_resized_crop import RandomResizedCrop
from sceneseg.transforms.random_scale_crop import RandomScaleCrop
from sceneseg.transforms.user_supplied import as_transform
from sceneseg.transforms.weather import Weather


class Pipeline:
    """Transforms that are applied one after the other: those of windows first, those of the device last.

    All draw from one generator in this order, so that a transform at the end changes nothing that others draw.

    Args:
        transforms: In order.

    Attributes:
        device: The device transforms by their names in `Sample.params`.

    Example:
        >>> from sceneseg.transforms.base import sample_generator
        >>> pipeline = Pipeline([Flip(p=1.0), ColorJitter()])
        >>> sample = SampleInfo(0, "a", image_size=(8, 8), size=(8, 8), base_size=(8, 8))
        >>> pipeline.window(sample_generator(0, 0), sample).flip, list(pipeline.device)
        (True, ['color_jitter'])
    """

    def __init__(self, transforms: Sequence[Transform[Any]]) -> None:
        self.transforms = tuple(transforms)
        self._windows = [t for t in transforms if isinstance(t, WindowTransform)]
        others = [t for t in transforms if not isinstance(t, WindowTransform)]
        self._others = list(zip(unique([_snake_case(type(t).__name__) for t in others]), others, strict=True))
        self.device = {name: t for name, t in self._others if isinstance(t, DeviceTransform)}

    def window(self, rng: np.random.Generator, sample: SampleInfo) -> Window:
        """Draw which part of its image a sample shows."""
        scale = (sample.base_size[0] / sample.image_size[0], sample.base_size[1] / sample.image_size[1])
        window = Window(scale, 0.0, 0.0, False, sample.size)
        for transform in self._windows:
            window = transform.apply(window, transform.draw(rng, sample))
        return window

    def apply(self, sample: Sample, rng: np.random.Generator, info: SampleInfo) -> Sample:
        """Change a sample that was cut out, and draw what its device transforms need.

        Args:
            sample: As it was cut.
            rng: The same that `window` has drawn from.
            info: With the sample's window.

        Raises:
            DataError: A transform returned arrays of another size or type.
        """
        params: dict[str, FloatArray] = {}
        for name, transform in self._others:
            drawn = transform.draw(rng, info)
            if isinstance(transform, DeviceTransform):
                params[name] = np.asarray(drawn, np.float32)
            elif isinstance(transform, SampleTransform):
                changed = transform.apply(sample, drawn)
                if changed is not sample:
                    _check(name, sample, changed)
                sample = changed
        return Sample(sample.image, sample.labels, sample.instances, sample.name, params)


def scene_pipeline(config: AugmentConfig) -> Pipeline:
    """Return the transforms of scenes: those that the short form asks for, then `AugmentConfig.transforms`.

    What a name stands for may also be a function that returns a transform of albumentations or torchvision.

    Raises:
        ConfigError: A name that isn't on the shelf, or arguments that a transform doesn't take.
    """
    return Pipeline([RandomScaleCrop(config.scale), *_shared(config)])


def image_pipeline(config: AugmentConfig) -> Pipeline:
    """Return the transforms of images with one class each, as `scene_pipeline` does for scenes."""
    return Pipeline([RandomResizedCrop(config.area), *_shared(config)])


def _shared(config: AugmentConfig) -> list[Transform[Any]]:
    found: list[Transform[Any]] = [
        Flip(config.flip),
        ColorJitter(config.brightness, config.contrast, config.saturation, config.hue),
    ]
    if config.weather:
        found.append(Weather(config.weather, config.weather_strength))
    return found + [_create(entry) for entry in config.transforms]


def _create(entry: Mapping[str, Any]) -> Transform[Any]:
    if len(entry) != 1:
        raise ConfigError(
            f"augment.transforms: expected one name with its arguments for each transform, such as "
            f"{{rain: {{p: 0.1}}}}, found {dict(entry)!r}.",
            field="augment.transforms",
        )
    [(name, arguments)] = entry.items()
    if not (arguments is None or isinstance(arguments, Mapping)):
        raise ConfigError(
            f"augment.transforms: expected arguments of {name} by their names, such as {{p: 0.1}}, found "
            f"{arguments!r}.",
            field="augment.transforms",
        )
    return as_transform(shelf.create(name, **(arguments or {})))


def _check(name: str, before: Sample, after: Sample) -> None:
    for part in ("image", "labels", "instances"):
        old, new = getattr(before, part), getattr(after, part)
        if new is old:
            continue
        if old is None or not isinstance(new, np.ndarray) or (new.shape, new.dtype) != (old.shape, old.dtype):
            raise DataError(
                f"The transform {name} must return {part} of the same size and type, {_words(old)}; it returned "
                f"{_words(new)}."
            )


def _words(array: Any) -> str:
    if isinstance(array, np.ndarray):
        return f"{' x '.join(map(str, array.shape))} {array.dtype}"
    return "nothing" if array is None else f"a {type(array).__name__}"


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
