from dataclasses import replace

import numpy as np
import pytest
import torch

from sceneseg.errors import DataError
from sceneseg.models._torchvision import import_torchvision
from sceneseg.transforms.base import sample_generator
from sceneseg.transforms.pipeline import Pipeline
from sceneseg.transforms.torchvision import TorchvisionTransform
from striped import INFO, check_together, drawn, same_with_any_workers, striped

import_torchvision()
from torchvision.transforms import InterpolationMode, v2  # noqa: E402 (which is imported with care)


def applied(transform, sample, number=0):
    return transform.apply(sample, drawn(transform, number))


MOVES = {
    "affine": lambda: v2.RandomAffine((20, 40), translate=(0.1, 0.2)),
    "affine, filled with 90": lambda: v2.RandomAffine((20, 40), interpolation=InterpolationMode.BILINEAR, fill=90),
    "within compose": lambda: v2.Compose([v2.RandomApply([v2.RandomRotation((15, 30))], p=1.0)]),
    "flip": lambda: v2.RandomHorizontalFlip(p=1.0),
    "elastic": lambda: v2.ElasticTransform(alpha=30.0, sigma=4.0),
}


@pytest.mark.parametrize("make", MOVES.values(), ids=MOVES.keys())
def test_labels_and_instances_move_with_the_image(make):
    sample, transform = striped(), TorchvisionTransform(make())
    for number in range(4):
        changed = applied(transform, sample, number)
        check_together(sample, changed)
        assert not np.array_equal(changed.labels, sample.labels)


@pytest.mark.parametrize("fill", [0, 7, 255])
def test_labels_are_void_where_the_transform_fills_in(fill):
    transform = TorchvisionTransform(v2.RandomAffine(0, translate=(0.4, 0), fill=fill))
    sample = replace(striped(), labels=np.full(INFO.size, 7, np.uint8), image=np.full((*INFO.size, 3), 50, np.uint8))
    moved = 0
    for number in range(6):
        changed = applied(transform, sample, number)
        beyond = (changed.image == fill).all(2)
        assert (changed.labels[beyond] == 255).all()
        assert (changed.instances[beyond] == 0).all()
        assert (changed.labels[~beyond] == 7).all()
        moved += beyond.any()
    assert moved > 3


def test_the_same_sample_is_the_same_whoever_asks_for_it():
    sample = striped()
    noise = [v2.RandomPosterize(3), v2.ColorJitter(0.5), v2.RandomRotation(30)]
    one, two = (TorchvisionTransform(v2.Compose(noise)) for _ in range(2))
    first = [applied(one, sample, number) for number in range(6)]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = [applied(two, sample, number) for number in reversed(range(6))][::-1]
    assert torch.equal(torch.get_rng_state(), before), "the random numbers belong to the model"
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert len({a.image.tobytes() for a in first}) > 3


def test_any_number_of_workers_gives_the_same_samples():
    assert same_with_any_workers([v2.RandomPosterize(3), v2.ColorJitter(0.5), v2.RandomRotation(30)])


def test_float_images_and_whole_images_without_labels():
    transform = TorchvisionTransform(v2.RandomHorizontalFlip(p=1.0))
    sample = striped()
    floats = replace(sample, image=sample.image.astype(np.float32) / 255, labels=None, instances=None)
    changed = applied(transform, floats)
    assert np.array_equal(changed.image, floats.image[:, ::-1])
    assert changed.labels is changed.instances is None


def test_what_does_not_fit_is_a_sentence():
    sample = striped()
    with pytest.raises(DataError, match="uint8 or float32 images, found uint16"):
        applied(TorchvisionTransform(v2.RandomHorizontalFlip()), replace(sample, image=sample.image.astype(np.uint16)))
    for transform in (v2.Resize((10, 12)), v2.ToDtype(torch.float32, scale=True)):
        with pytest.raises(DataError, match="image of the same size and type"):
            Pipeline([TorchvisionTransform(transform)]).apply(sample, sample_generator(0, 0), INFO)
