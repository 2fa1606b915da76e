from dataclasses import replace

import cv2
import numpy as np
import pytest

from sceneseg.errors import DataError
from sceneseg.transforms.base import sample_generator
from sceneseg.transforms.pipeline import Pipeline
from striped import INFO, check_together, drawn, same_with_any_workers, striped

A = pytest.importorskip("albumentations")
from sceneseg.transforms.albumentations import AlbumentationsTransform  # noqa: E402 (behind importorskip)


def applied(transform, sample, number=0):
    return transform.apply(sample, drawn(transform, number))


MOVES = {
    "affine": lambda: A.Affine(rotate=(20, 40), translate_percent=(0.1, 0.2), p=1),
    "affine, cubic, filled with class 7": lambda: A.Affine(
        rotate=(20, 40), interpolation=cv2.INTER_CUBIC, mask_interpolation=cv2.INTER_LINEAR, fill=90, fill_mask=7, p=1
    ),
    "within compose": lambda: A.Compose(
        [A.OneOf([A.Affine(rotate=(20, 40), mask_interpolation=cv2.INTER_LINEAR, p=1)], p=1)]
    ),
    "rotate": lambda: A.Rotate((15, 40), border_mode=cv2.BORDER_CONSTANT, p=1),
    "flip": lambda: A.HorizontalFlip(p=1),
    "elastic": lambda: A.ElasticTransform(alpha=20, sigma=4, p=1),
}


@pytest.mark.parametrize("make", MOVES.values(), ids=MOVES.keys())
def test_labels_and_instances_move_with_the_image(make):
    sample, transform = striped(), AlbumentationsTransform(make())
    for number in range(4):
        changed = applied(transform, sample, number)
        check_together(sample, changed)
        assert not np.array_equal(changed.labels, sample.labels)


@pytest.mark.parametrize("fill_mask", [0, 7, 255])
def test_labels_are_void_where_the_transform_fills_in(fill_mask):
    transform = AlbumentationsTransform(A.Affine(translate_px={"x": (20, 20), "y": (0, 0)}, fill_mask=fill_mask, p=1))
    labels = np.full(INFO.size, 7, np.uint8)
    changed = applied(transform, replace(striped(), labels=labels))
    assert (changed.labels[:, :20] == 255).all()
    assert (changed.labels[:, 20:] == 7).all()
    assert (changed.instances[:, :20] == 0).all()


def test_the_same_sample_is_the_same_whoever_asks_for_it():
    sample = striped()
    noise = [A.GaussNoise(p=0.5), A.RandomBrightnessContrast(p=0.5), A.Affine(rotate=(-30, 30), p=0.5)]
    one, two = (AlbumentationsTransform(A.Compose(noise)) for _ in range(2))
    first = [applied(one, sample, number) for number in range(6)]
    np.random.seed(0)  # noqa: NPY002 (a program's own)
    again = [applied(two, sample, number) for number in reversed(range(6))][::-1]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert len({a.image.tobytes() for a in first}) > 3


def test_transforms_of_a_compose_draw_apart():
    both = AlbumentationsTransform(A.Compose([A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)]))
    image = striped().image
    ways = [image, image[:, ::-1], image[::-1], image[::-1, ::-1]]
    found = [applied(both, striped(), number).image for number in range(40)]
    counts = [sum(np.array_equal(way, image) for image in found) for way in ways]
    assert sum(counts) == 40
    assert min(counts) > 3


def test_the_object_itself_stays_as_it_is():
    given = A.Affine(rotate=(20, 40), mask_interpolation=cv2.INTER_LINEAR, p=1)
    sample = striped()
    image = sample.image.copy()
    applied(AlbumentationsTransform(given), sample)
    assert given.mask_interpolation == cv2.INTER_LINEAR
    assert np.array_equal(sample.image, image)


def test_any_number_of_workers_gives_the_same_samples():
    assert same_with_any_workers([A.GaussNoise(p=0.5), A.Affine(rotate=(-30, 30), p=0.5)])


def test_float_images_and_whole_images_without_labels():
    transform = AlbumentationsTransform(A.HorizontalFlip(p=1))
    sample = striped()
    floats = replace(sample, image=sample.image.astype(np.float32) / 255, labels=None, instances=None)
    changed = applied(transform, floats)
    assert np.array_equal(changed.image, floats.image[:, ::-1])
    assert changed.labels is changed.instances is None


def test_what_does_not_fit_is_a_sentence():
    sample = striped()
    with pytest.raises(DataError, match="uint8 or float32 images, found uint16"):
        applied(AlbumentationsTransform(A.HorizontalFlip(p=1)), replace(sample, image=sample.image.astype(np.uint16)))
    for transform in (A.Resize(10, 12), A.Normalize()):
        with pytest.raises(DataError, match="image of the same size and type"):
            Pipeline([AlbumentationsTransform(transform)]).apply(sample, sample_generator(0, 0), INFO)
