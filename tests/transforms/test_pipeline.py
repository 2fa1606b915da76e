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


DRAWN = [
    (scene_pipeline, 0, (1.674984, 1.674984, 30.569831, 100.401961), True, (0.791421, 1.098316, 0.898179, 0.024112)),
    (scene_pipeline, 1, (1.699292, 1.699292, 39.09193, 126.091774), True, (1.109087, 1.108625, 0.94134, 0.0856)),
    (scene_pipeline, 2, (0.831102, 0.831102, 7.642004, 59.546737), False, (0.881898, 1.049514, 0.814168, -0.066764)),
    (image_pipeline, 1, (0.708391, 0.780378, 4.911642, 43.089107), True, (1.214001, 1.17848, 0.928001, 0.089603)),
    (image_pipeline, 1000, (0.979318, 1.166862, 30.676745, 88.108081), False, (1.172369, 1.19556, 1.093677, -0.058465)),
]
BEFALLEN = {
    (scene_pipeline, 0): ({"Rain": 0.600536, "LightBeam": 0.478319}, 895891574),
    (scene_pipeline, 1): ({"Fog": 0.402276}, 335586362),
    (scene_pipeline, 2): ({}, 879616284),
    (image_pipeline, 1): ({"Shadow": 0.641117, "Darkness": 0.686154}, 274004122),
    (image_pipeline, 1000): ({"Snow": 0.327206}, 447652019),
}


@pytest.mark.parametrize(("make", "number", "geometry", "flip", "color"), DRAWN)
def test_a_seed_draws_what_it_always_drew(make, number, geometry, flip, color):
    """Runs of earlier versions are resumed with the same samples, and papers name seeds."""
    pipeline, rng = make(AugmentConfig(weather={"any": 1.0}, hue=0.1)), sample_generator(7, number)
    info = SampleInfo(number, "", image_size=(100, 200), size=(64, 96), base_size=(100, 200))
    window = pipeline.window(rng, info)
    assert (*window.scale, window.top, window.left) == pytest.approx(geometry, abs=2e-6)
    assert window.flip == flip
    jitter, weather = pipeline.transforms[2:]
    assert jitter.draw(rng, info) == pytest.approx(color, abs=2e-6)
    drawn = weather.draw(rng, replace(info, window=window))
    strengths, following = BEFALLEN[make, number]
    assert {type(effect).__name__: details.strength for effect, details in drawn} == pytest.approx(strengths, abs=2e-6)
    assert rng.integers(10**9) == following, "as many numbers are drawn as ever"
