"""Transforms from outside the package: given as objects from Python, or registered and named in a configuration."""

import importlib.util
import sys

import numpy as np
import pytest

import sceneseg
from sceneseg.config.schema import AugmentConfig
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import ConfigError, UnknownNameError
from sceneseg.models._torchvision import import_torchvision
from sceneseg.transforms import transforms
from sceneseg.transforms.fog import Fog
from sceneseg.transforms.pipeline import scene_pipeline
from sceneseg.transforms.user_supplied import as_transform, transform_entries

GRAIN = '''"""Grain of a camera."""

from dataclasses import replace

import numpy as np

from sceneseg.transforms import register
from sceneseg.transforms.base import SampleTransform


@register
class Grain(SampleTransform):
    def __init__(self, strength: int = 20):
        self.strength = strength

    def draw(self, rng, sample):
        return rng.integers(0, self.strength, (*sample.size, 3), np.uint8)

    def apply(self, sample, drawn):
        return replace(sample, image=np.maximum(sample.image, drawn))
'''
NEGATIVE = '''"""Negatives, on the device."""

from sceneseg.transforms import register
from sceneseg.transforms.base import DeviceTransform


@register
class Negative(DeviceTransform):
    def __init__(self, p: float = 0.5):
        self.p = p

    def draw(self, rng, sample):
        return rng.random(1) < self.p

    def apply(self, image, drawn):
        share = drawn[:, :, None, None]
        return share * (1 - image) + (1 - share) * image
'''


POSTERS = '''"""A function that makes a transform of torchvision."""

from sceneseg.models._torchvision import import_torchvision
from sceneseg.transforms import register


@register
def posters(bits: int = 2):
    import_torchvision()
    from torchvision.transforms import v2

    return v2.RandomPosterize(bits, p=1.0)
'''


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """What three files define that are no part of the package."""
    found = {}
    for name, text in (("grain", GRAIN), ("negative", NEGATIVE), ("posters", POSTERS)):
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location(name, file)
        monkeypatch.setitem(sys.modules, name, module := importlib.util.module_from_spec(spec))
        spec.loader.exec_module(module)
        found[name] = getattr(module, name if name == "posters" else name.capitalize())
    yield found
    for name in found:
        transforms._things.pop(name, None)


def scenes(split):
    rng = np.random.default_rng(0)
    pairs = [(rng.integers(0, 256, (40, 60, 3), np.uint8), rng.integers(0, 2, (40, 60), np.uint8)) for _ in range(4)]
    return sceneseg.Scenes(pairs, ["a", "b"], "noise", split)


def train(tmp_path, name="x", **options):
    """Two steps or more; returns the run and the loss of each step."""
    losses = []
    small = {"epochs": 1, "steps_per_epoch": 2, "batch_size": 2, "crop_size": (32, 32), "precision": "32-true"}
    trained = sceneseg.train(
        {"name": "fast_scnn", "width": 0.25, "aux": False},
        (scenes("train"), scenes("val")),
        runs=tmp_path / "runs",
        on_step_end=lambda training: losses.append(training.loss),
        **{**small, "workers": 0, "device": "cpu", "name": name, **options},
    )
    return trained.run, losses


def test_by_name_and_as_objects_they_train_alike(outside, tmp_path):
    """One file each, on the CPU and on the device."""
    if "grain" not in transforms.names():
        pytest.skip("this shelf takes nothing from outside the package")
    named = [{"grain": {"strength": 90}}, {"negative": {"p": 0.7}}]
    run, by_name = train(tmp_path, "named", augment={"transforms": named})
    assert run.load_config().augment.transforms == named
    _, as_objects = train(tmp_path, "objects", transforms=[outside["grain"](90), outside["negative"](0.7)])
    _, without = train(tmp_path, "without")
    assert by_name == as_objects
    assert by_name != without


def test_a_function_on_the_shelf_may_make_one_of_another_library(outside):
    if "posters" not in transforms.names():
        pytest.skip("this shelf takes nothing from outside the package")
    *_, last = scene_pipeline(AugmentConfig(transforms=[{"posters": {"bits": 3}}])).transforms
    assert "RandomPosterize(p=1.0, bits=3)" in repr(last)


def test_each_of_them_has_an_effect_and_is_written_down(outside, tmp_path):
    grain, negative = outside["grain"](90), outside["negative"](1.0)
    run, both = train(tmp_path, "both", augment={"transforms": [{"fog": {"p": 1.0}}]}, transforms=[grain, negative])
    _, one = train(tmp_path, "one", augment={"transforms": [{"fog": {"p": 1.0}}]}, transforms=[grain])
    _, none = train(tmp_path, "none", augment={"transforms": [{"fog": {"p": 1.0}}]})
    assert len({*both, *one, *none}) == 6
    assert run.load_config().augment.transforms == [
        {"fog": {"p": 1.0}},
        {"own:Grain": {"repr": "Grain(strength=90)"}},
        {"own:Negative": {"repr": "Negative(p=1.0)"}},
    ]


def test_a_run_is_resumed_with_its_transforms_alone(outside, tmp_path):
    grain = outside["grain"]
    _, unbroken = train(tmp_path, "unbroken", epochs=2, schedule="constant", transforms=[grain(90)])
    run, first = train(tmp_path, "broken", epochs=1, schedule="constant", transforms=[grain(90)])
    again = {"epochs": 2, "schedule": "constant", "resume": run.path, "name": run.path.name}
    with pytest.raises(UnknownNameError, match="Grain.*Python program.*again"):
        train(tmp_path, **{**again, "transforms": []})
    for others in ([grain(80)], [Fog()], [grain(90), Fog()]):
        with pytest.raises(ConfigError, match=r"augment\.transforms can't change"):
            train(tmp_path, **again, transforms=others)
    _, rest = train(tmp_path, **again, transforms=[grain(90)])
    assert first + rest == unbroken


def test_a_configuration_file_comes_first(outside, tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text("augment: {transforms: [{rain: {p: 0.2}}]}")
    grain = outside["grain"]()
    run, _ = train(tmp_path, config=file, transforms=[grain])
    assert [list(entry) for entry in run.load_config().augment.transforms] == [["rain"], ["own:Grain"]]


def test_they_are_on_the_shelf_for_one_call(outside):
    with transform_entries([outside["grain"](5), outside["grain"](6)]) as entries:
        pipeline = scene_pipeline(AugmentConfig(transforms=entries))
        assert [transform.strength for transform in pipeline.transforms[3:]] == [5, 6]
    with pytest.raises(UnknownNameError, match="Grain"):
        scene_pipeline(AugmentConfig(transforms=entries))


def test_an_object_without_a_repr_is_known_by_its_class():
    class Plain(Fog):
        __repr__ = object.__repr__

    with transform_entries([Plain()]) as [entry]:
        assert entry == {"own:Plain": {"repr": "Plain()"}}


def test_those_of_torchvision_are_recognized():
    import_torchvision()
    from torchvision.transforms import v2

    assert repr(as_transform(v2.RandomPosterize(4))).startswith("TorchvisionTransform(transform=RandomPosterize(p=0.5")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([Fog], "the class Fog: give an object"),
        ([len], "found builtin_function_or_method"),
        (Fog(), "a list of transforms, found Fog"),
        ([LABEL_SPACE], "found LabelSpace"),
    ],
)
def test_anything_else_is_refused(given, message):
    with pytest.raises(ConfigError, match=message) as error, transform_entries(given):
        pass
    assert error.value.field == "transforms"
