import numpy as np
import pytest

from sceneseg.errors import ConfigError, DataError
from sceneseg.toy import draw_scene
from sceneseg.transforms.base import Sample, SampleInfo, sample_generator
from sceneseg.transforms.geometry import Window
from sceneseg.transforms.weather import EFFECTS, Weather


@pytest.fixture(scope="module")
def image():
    return draw_scene((128, 256), seed=0, index=1).image


def painted(image, kind, strength, number=0, span=(0.0, 1.0)):
    effect = EFFECTS[kind]()
    details = effect.details(sample_generator(0, number), strength, showing(image.shape[:2], span))
    return effect.apply(Sample(image, None), details).image


def showing(size, span=(0.0, 1.0)):
    """A sample of a scene 1000 high, of which it shows these rows."""
    scale = size[0] / (1000 * (span[1] - span[0]))
    window = Window((scale, 1.0), 1000 * span[0] * scale, 0.0, False, size)
    return SampleInfo(0, "", (1000, size[1]), size, size, window)


def befallen(kinds, strength, number):
    """Kind -> strength of the weather of a sample."""
    drawn = Weather(kinds, strength).draw(sample_generator(0, number), showing((8, 12)))
    return {kind: details.strength for kind, made in EFFECTS.items() for e, details in drawn if type(e) is made}


@pytest.mark.parametrize("kind", EFFECTS)
def test_the_same_number_paints_the_same_and_keeps_the_original(image, kind):
    before = image.copy()
    once, again, other = (painted(image, kind, 0.8, number) for number in (1, 1, 2))
    assert np.array_equal(image, before)
    assert once.shape == image.shape
    assert once.dtype == np.uint8
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("kind", EFFECTS)
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (131, 67)])
def test_any_size_and_any_part_of_a_scene(kind, size):
    gray = np.full((*size, 3), 128, np.uint8)
    for span in ((0.0, 1.0), (0.0, 0.3), (0.6, 1.0), (-0.5, 1.5)):
        assert painted(gray, kind, 1.0, span=span).shape == gray.shape


@pytest.mark.parametrize("kind", EFFECTS)
def test_strength_is_what_it_says(image, kind):
    """More strength changes more, and what is recognizable stays so: the edges still correlate."""

    def change(strength):
        return np.mean([np.abs(painted(image, kind, strength, n).astype(int) - image).mean() for n in range(6)])

    weak, strong = change(0.2), change(1.0)
    assert 0.2 < weak < strong < 110
    mild = painted(image, kind, 0.3).mean(2)
    assert np.corrcoef(mild.ravel(), image.mean(2).ravel())[0, 1] > 0.5


def test_what_each_does_to_the_light(image):
    mean = {kind: np.mean([painted(image, kind, 0.8, n).mean() for n in range(5)]) for kind in EFFECTS}
    assert mean["darkness"] < 0.6 * image.mean()
    assert mean["shadow"] < image.mean()
    assert mean["rain"] < image.mean() + 10
    assert min(mean["snow"], mean["light_beam"], mean["fog"]) > image.mean()


def test_fog_is_thickest_at_the_horizon():
    """On black, brightness is the veil: closed at 0.42 of the scene's height, thin before us, also in a part of it."""
    black = np.zeros((200, 300, 3), np.uint8)
    veil = np.mean([painted(black, "fog", 0.5, n).mean((1, 2)) for n in range(8)], axis=0)
    assert abs(int(veil.argmax()) - 84) < 12
    assert veil[-1] < 0.5 * veil.max()
    lower = np.mean([painted(black, "fog", 0.5, n, (0.6, 1.0)).mean((1, 2)) for n in range(8)], axis=0)
    assert lower.argmax() < 10
    assert lower.max() < 0.8 * veil.max()


def test_the_sky_has_no_shadow_and_no_snow_lies_on_it():
    gray = np.full((100, 100, 3), 120, np.uint8)
    for number in range(6):
        assert (painted(gray, "shadow", 1.0, number, (0.0, 0.25)) == 120).all()


def test_each_kind_comes_as_often_as_asked():
    drawn = [befallen({"rain": 0.3, "darkness": 1.0}, 0.9, n) for n in range(1500)]
    rain = [d["rain"] for d in drawn if "rain" in d]
    assert abs(len(rain) / 1500 - 0.3) < 0.04
    assert 0.3 <= min(rain) < 0.35
    assert 0.85 < max(rain) <= 0.9
    assert all(set(d) <= {"rain", "darkness"} and 0.29 < d["darkness"] <= 0.9 for d in drawn)


def test_any_is_shared_by_those_that_have_no_probability_of_their_own():
    drawn = [befallen({"any": 0.6, "fog": 0.5}, 1.0, n) for n in range(1500)]
    shares = {kind: np.mean([kind in d for d in drawn]) for kind in EFFECTS}
    assert abs(shares.pop("fog") - 0.5) < 0.04
    assert all(abs(share - 0.1) < 0.025 for share in shares.values())


def test_one_kind_does_not_disturb_another():
    for number in range(20):
        alone, both = befallen({"rain": 0.5}, 1.0, number), befallen({"rain": 0.5, "snow": 0.5}, 1.0, number)
        assert alone.get("rain") == both.get("rain")


def test_weather_paints_what_was_drawn(image):
    weather, info = Weather({"fog": 1.0, "rain": 1.0}), showing(image.shape[:2])
    sample = Sample(image, np.zeros(image.shape[:2], np.uint8))
    drawn = weather.draw(sample_generator(0, 3), info)
    changed = weather.apply(sample, drawn)
    (rain, rain_details), (fog, fog_details) = drawn
    assert np.array_equal(changed.image, fog.paint(rain.paint(image, rain_details), fog_details))
    assert changed.labels is sample.labels


def test_wrong_weather():
    with pytest.raises(ConfigError, match='no weather called "rian". Did you mean "rain"'):
        Weather({"rian": 0.1})
    with pytest.raises(ConfigError, match="weather.fog.*from 0 to 1"):
        Weather({"fog": 10.0})
    with pytest.raises(ConfigError, match="weather_strength.*from 0 to 1"):
        Weather({"fog": 1.0}, strength=2)


@pytest.mark.parametrize("kind", EFFECTS)
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_images_that_it_cannot_paint_are_refused_before_it_comes(kind, dtype):
    with pytest.raises(DataError, match=f"uint8 images, found {np.dtype(dtype)}"):
        EFFECTS[kind]().apply(Sample(np.zeros((8, 12, 3), dtype), None), None)


def test_which_rows_a_window_shows():
    def span(window):
        return SampleInfo(0, "", (100, 100), (100, 50), (100, 100), window).span

    assert span(Window((1.0, 1.0), 0.0, 0.0, False, (100, 50))) == pytest.approx((0, 1))
    assert span(Window((2.0, 2.0), 50.0, 0.0, True, (100, 50))) == pytest.approx((0.25, 0.75))
