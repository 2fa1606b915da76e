from dataclasses import replace

import numpy as np
import pytest

from sceneseg.config.schema import AugmentConfig
from sceneseg.errors import ConfigError, DataError, UnknownNameError
from sceneseg.transforms.base import DeviceTransform, Sample, SampleInfo, SampleTransform, sample_generator
from sceneseg.transforms.color_jitter import ColorJitter
from sceneseg.transforms.flip import Flip
from sceneseg.transforms.geometry import Window
from sceneseg.transforms.pipeline import Pipeline, image_pipeline, scene_pipeline
from sceneseg.transforms.random_scale_crop import RandomScaleCrop

INFO = SampleInfo(0, "a", image_size=(20, 30), size=(20, 30), base_size=(20, 30))
GRAY = Sample(np.full((20, 30, 3), 100, np.uint8), np.zeros((20, 30), np.uint8), name="a")


class Brighter(SampleTransform[int]):
    def draw(self, rng, sample):
        return int(rng.integers(1, 50))

    def apply(self, sample, drawn):
        return replace(sample, image=sample.image + np.uint8(drawn))


class Shifted(DeviceTransform):
    def draw(self, rng, sample):
        return rng.random(2)

    def apply(self, image, drawn):
        return image


def kinds(pipeline):
    return [type(t).__name__ for t in pipeline.transforms]


def test_the_short_form_is_a_list_of_transforms():
    config = AugmentConfig(scale=(1.0, 2.0), flip=0.1, hue=0.2, weather={"fog": 0.3}, weather_strength=0.5)
    assert repr(scene_pipeline(config).transforms) == (
        "(RandomScaleCrop(scale=(1.0, 2.0)), Flip(p=0.1), "
        "ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25, hue=0.2), "
        "Weather(kinds={'fog': 0.3}, strength=0.5))"
    )
    assert kinds(image_pipeline(AugmentConfig())) == ["RandomResizedCrop", "Flip", "ColorJitter"]


def test_further_transforms_come_behind_in_their_order():
    config = AugmentConfig(transforms=[{"rain": {"p": 0.1}}, {"Light-Beam": None}, {"flip": {"p": 1.0}}])
    pipeline = scene_pipeline(config)
    assert kinds(pipeline) == ["RandomScaleCrop", "Flip", "ColorJitter", "Rain", "LightBeam", "Flip"]
    assert pipeline.transforms[3].p == 0.1


@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        ({"rian": None}, UnknownNameError, 'Did you mean "rain"'),
        ({"rain": {"q": 1}}, ConfigError, 'no argument "q".*p, strength'),
        ({"rain": {"p": 2}}, ConfigError, "p must be.*from 0 to 1"),
        ({"rain": 0.1}, ConfigError, r"arguments of rain by their names.*found 0\.1"),
        ({"rain": None, "snow": None}, ConfigError, "one name with its arguments"),
        ({}, ConfigError, "one name with its arguments"),
    ],
)
def test_a_wrong_entry_is_a_sentence(entry, error, message):
    with pytest.raises(error, match=message):
        scene_pipeline(AugmentConfig(transforms=[entry]))


def test_a_transform_at_the_end_changes_nothing_that_others_draw():
    def drawn(transforms):
        pipeline, rng = Pipeline(transforms), sample_generator(0, 3)
        window = pipeline.window(rng, INFO)
        return window, pipeline.apply(GRAY, rng, replace(INFO, window=window))

    first = [RandomScaleCrop(), Flip(), ColorJitter(), Brighter()]
    (window, sample), (same, more) = drawn(first), drawn([*first, Brighter(), Shifted()])
    assert window == same
    assert np.array_equal(sample.params["color_jitter"], more.params["color_jitter"])
    assert more.image.max() > sample.image.max()


def test_without_a_transform_of_geometry_a_sample_shows_the_top_left_at_scale_one():
    info = SampleInfo(0, "a", image_size=(20, 30), size=(5, 5), base_size=(10, 30))
    assert Pipeline([]).window(sample_generator(0, 0), info) == Window((0.5, 1.0), 0.0, 0.0, False, (5, 5))


def test_mirroring_twice_is_mirroring_not_at_all():
    assert not Pipeline([Flip(1.0), Flip(1.0)]).window(sample_generator(0, 0), INFO).flip
    assert Pipeline([Flip(1.0), RandomScaleCrop()]).window(sample_generator(0, 0), INFO).flip


def test_two_device_transforms_of_a_kind_are_told_apart():
    pipeline = Pipeline([Shifted(), ColorJitter(), Shifted()])
    sample = pipeline.apply(GRAY, sample_generator(0, 0), INFO)
    assert list(pipeline.device) == list(sample.params) == ["shifted", "color_jitter", "shifted-2"]
    assert all(drawn.dtype == np.float32 for drawn in sample.params.values())
    assert not np.array_equal(sample.params["shifted"], sample.params["shifted-2"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": GRAY.image[:10]}, "returning.*image.*20 x 30 x 3 uint8.*10 x 30 x 3 uint8"),
        ({"image": GRAY.image / 255}, "returning.*image.*20 x 30 x 3 uint8.*float64"),
        ({"labels": None}, "returning.*labels.*20 x 30 uint8.*nothing"),
        ({"labels": GRAY.labels.astype(np.int64)}, "returning.*labels.*int64"),
        ({"instances": np.zeros((20, 30), np.int32)}, "returning.*instances.*nothing.*20 x 30 int32"),
        ({"image": [1, 2]}, "returning.*image.*a list"),
    ],
)
def test_what_a_transform_returns_is_looked_at(change, message):
    class Returning(Brighter):
        def apply(self, sample, drawn):
            return replace(sample, **change)

    with pytest.raises(DataError, match=message):
        Pipeline([Returning()]).apply(GRAY, sample_generator(0, 0), INFO)
