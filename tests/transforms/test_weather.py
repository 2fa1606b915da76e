import numpy as np
import pytest

from sceneseg.errors import ConfigError
from sceneseg.toy import draw_scene
from sceneseg.transforms.geometry import Window, sample_generator
from sceneseg.transforms.weather import EFFECTS, apply_weather, draw_weather, vertical_span


@pytest.fixture(scope="module")
def image():
    return draw_scene((128, 256), seed=0, index=1).image


def painted(image, kind, strength, number=0, span=(0.0, 1.0)):
    return apply_weather(image, [(kind, strength)], sample_generator(0, number), span)


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
    chances = {"rain": (0.3, 0.9), "darkness": (1.0, 0.5)}
    drawn = [dict(draw_weather(sample_generator(0, n), chances)) for n in range(1500)]
    rain = [d["rain"] for d in drawn if "rain" in d]
    assert abs(len(rain) / 1500 - 0.3) < 0.04
    assert 0.3 <= min(rain) < 0.35
    assert 0.85 < max(rain) <= 0.9
    assert all(set(d) <= {"rain", "darkness"} and 0.16 < d["darkness"] <= 0.5 for d in drawn)


def test_one_kind_does_not_disturb_another():
    with_snow = {"rain": (0.5, 1.0), "snow": (0.5, 1.0)}
    for number in range(20):
        alone = dict(draw_weather(sample_generator(0, number), {"rain": (0.5, 1.0)}))
        both = dict(draw_weather(sample_generator(0, number), with_snow))
        assert alone.get("rain") == both.get("rain")


def test_wrong_weather():
    with pytest.raises(ConfigError, match='no weather called "rian". Did you mean "rain"'):
        draw_weather(sample_generator(0, 0), {"rian": (0.1, 1.0)})
    with pytest.raises(ConfigError, match="fog: expected probability and strength from 0 to 1"):
        draw_weather(sample_generator(0, 0), {"fog": (10.0, 1.0)})


def test_which_rows_a_window_shows():
    assert vertical_span(Window((1.0, 1.0), 0.0, 0.0, False, (100, 50)).matrix(), 100, 100) == pytest.approx((0, 1))
    half = Window((2.0, 2.0), 50.0, 0.0, True, (100, 50)).matrix()
    assert vertical_span(half, 100, 100) == pytest.approx((0.25, 0.75))
