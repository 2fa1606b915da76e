"""What every transform on the shelf keeps to."""

import inspect

import numpy as np
import pytest
import torch

from sceneseg.errors import DataError
from sceneseg.transforms import transforms
from sceneseg.transforms.base import (
    FULL_SCALE,
    DeviceTransform,
    Sample,
    SampleInfo,
    SampleTransform,
    Transform,
    WindowTransform,
    sample_generator,
)
from sceneseg.transforms.geometry import Window

ARGUMENTS = {"weather": {"kinds": {"fog": 1.0}}}
SIZE = (24, 36)
WINDOW = Window((1.0, 1.0), 2.0, 3.0, False, SIZE)
INFO = SampleInfo(5, "a", image_size=(40, 60), size=SIZE, base_size=(40, 60), window=WINDOW)


def made(name):
    return transforms.create(name, **ARGUMENTS.get(name, {}))


def surely(name):
    """The same, where it comes by chance so that it comes."""
    by_chance = "p" in inspect.signature(transforms.get(name)).parameters
    return transforms.create(name, **{**ARGUMENTS.get(name, {}), **({"p": 1.0} if by_chance else {})})


def numbers(drawn):
    """All that was drawn, to compare it."""
    if isinstance(drawn, np.ndarray):
        return drawn.tolist()
    if isinstance(drawn, tuple | list):
        return [numbers(part) for part in drawn]
    return repr(drawn)


def of_kind(kind):
    return [name for name in transforms.names() if issubclass(transforms.get(name), kind)]


@pytest.fixture(params=transforms.names())
def transform(request):
    return made(request.param)


def test_it_is_one_of_the_three_kinds(transform):
    assert isinstance(transform, WindowTransform | SampleTransform | DeviceTransform)
    assert transform.where in ("window", "sample", "device")


def test_draws_depend_on_the_generator_alone(transform):
    draws = [str(numbers(transform.draw(sample_generator(3, n), INFO))) for n in (8, 8, *range(20))]
    assert draws[0] == draws[1]
    assert len(set(draws)) > 1


def test_it_says_what_it_is(transform):
    name = type(transform).__module__.rpartition(".")[2]
    assert repr(transform).startswith(type(transform).__name__ + "(")
    assert name == type(transform).__name__.lower() or name.replace("_", "") == type(transform).__name__.lower()
    for word in ("Args:", "Source:", "Example:"):
        assert word in type(transform).__doc__


@pytest.mark.parametrize("dtype", FULL_SCALE)
@pytest.mark.parametrize("name", of_kind(SampleTransform))
def test_every_type_of_image_is_changed_or_refused(name, dtype):
    """What changes samples keeps sizes and types and leaves its input alone, or says that it can't."""
    rng, transform = np.random.default_rng(0), surely(name)
    image = (rng.random((*SIZE, 3)) * FULL_SCALE[dtype]).astype(dtype)
    labels, instances = rng.integers(0, 19, SIZE, dtype=np.uint8), rng.integers(0, 99, SIZE, dtype=np.int32)
    before = image.copy(), labels.copy(), instances.copy()
    drawn = transform.draw(sample_generator(0, 1), INFO)
    try:
        changed = transform.apply(Sample(image, labels, instances), drawn)
    except DataError as error:
        assert dtype in str(error)  # noqa: PT017 (either is right)
        assert dtype != "uint8"
        return
    assert all(np.array_equal(a, b) for a, b in zip((image, labels, instances), before, strict=True))
    for old, new in ((image, changed.image), (labels, changed.labels), (instances, changed.instances)):
        assert (new.shape, new.dtype) == (old.shape, old.dtype)
    assert not np.array_equal(changed.image, image)


@pytest.mark.parametrize("name", of_kind(DeviceTransform))
def test_what_works_on_the_device_changes_each_image_alone(name):
    transform = made(name)
    image = torch.rand(4, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    drawn = torch.stack([torch.from_numpy(transform.draw(sample_generator(0, n), INFO)) for n in range(4)])
    whole = transform.apply(image.clone(), drawn)
    assert whole.shape == image.shape
    assert 0 <= whole.min() <= whole.max() <= 1
    parts = [transform.apply(image[part].clone(), drawn[part]) for part in (slice(0, 1), slice(1, 4))]
    assert torch.allclose(whole, torch.cat(parts), atol=1e-6)


@pytest.mark.parametrize("name", of_kind(WindowTransform))
def test_what_moves_windows_keeps_the_size_of_the_sample(name):
    transform = surely(name)
    for number in range(10):
        window = transform.apply(WINDOW, transform.draw(sample_generator(0, number), INFO))
        assert window.size == SIZE
        assert min(window.scale) > 0


def test_the_base_class_is_no_transform():
    with pytest.raises(TypeError, match="abstract"):
        Transform()
