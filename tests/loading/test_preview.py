import pytest

from sceneseg import datasets
from sceneseg.config.conversion import from_dict
from sceneseg.loading.preview import preview_samples, preview_weather
from sceneseg.transforms.weather import EFFECTS


@pytest.fixture(scope="module")
def toy(toy_root):
    return datasets.create("cityscapes", root=toy_root, split="train")


def test_every_kind_of_weather_is_shown(toy):
    scene = toy.read(0)
    shown = {kind: image for image, kind in preview_weather(scene)}
    assert list(shown) == list(EFFECTS)
    assert all(image.shape == scene.image.shape and (image != scene.image).any() for image in shown.values())


def test_samples_are_shown_as_the_network_sees_them(toy):
    plain = {"scale": [1, 1], "flip": 0, "brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
    config = from_dict({"augment": plain})
    shown = preview_samples(toy, config, count=3)
    scenes = {toy.files[i].name: toy.read(i).image for i in range(len(toy))}
    for image, name in shown:
        assert abs(image.astype(int) - scenes[name]).max() <= 1
    config = from_dict({"augment": plain | {"brightness": 1.0}})
    changed = preview_samples(toy, config, count=3)
    assert max(abs(a.astype(int) - b).mean() for (a, _), (b, _) in zip(shown, changed, strict=True)) > 5
