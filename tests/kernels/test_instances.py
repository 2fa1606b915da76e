import numpy as np
import pytest

from sceneseg.errors import DataError
from sceneseg.kernels import instances as kernel
from sceneseg.kernels.confusion import FEW_PIXELS
from sceneseg.kernels.instances import instance_counts


def category_table(*categories):
    table = np.full(256, 255, np.uint8)
    table[: len(categories)] = categories
    return table


def scene(rng, shape, most=12):
    """Rectangles of objects, numbered ``class * 1000 + n``, over class 0; the prediction errs in stripes."""
    labels, instances = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    for n in range(most):
        top, left = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        inside = np.s_[top : top + shape[0] // 3, left : left + shape[1] // 4]
        labels[inside] = rng.choice([1, 2, 3, 4, 255])
        instances[inside] = labels[inside].astype(np.int32) * 1000 + n
    prediction = np.roll(labels, (2, 5), (0, 1))
    prediction[::7] = rng.integers(0, 5, prediction[::7].shape)
    return instances, labels, prediction


def test_counts_objects():
    categories = category_table(0, 1, 1)
    instances = np.array([[0, 7, 7, 7], [0, 7, 9, 9]], np.int32)
    labels = np.array([[0, 1, 1, 1], [0, 1, 255, 255]], np.uint8)
    prediction = np.array([[0, 1, 2, 0], [1, 255, 0, 255]], np.uint8)
    counts = instance_counts(instances, labels, prediction, categories)
    assert counts.numbers.tolist() == [7, 9]
    assert counts.classes.tolist() == [1, 255]
    assert counts.pixels.tolist() == [4, 2]
    assert counts.hits.tolist() == [1, 1]
    assert counts.category_hits.tolist() == [2, 1]


@pytest.mark.parametrize("shape", [(40, 60), (300, 301)])
def test_compiled_equals_reference(shape):
    rng = np.random.default_rng(shape[0])
    instances, labels, prediction = scene(rng, shape)
    labels[::5] = np.where(
        rng.random(labels[::5].shape) < 0.3, 2, labels[::5]
    )  # pixels astray, also where a run begins
    arguments = instances.ravel(), labels.ravel(), prediction.ravel(), category_table(0, 1, 1, 2, 2), 255_011
    compiled = kernel._compiled()(*arguments)
    assert compiled.dtype == np.int64
    assert np.array_equal(compiled, kernel.count_objects_reference(*arguments))
    assert compiled[:, 1].sum() == (instances > 0).sum()
    assert (compiled[:, 2:] > 0).any(axis=0).all()


def test_high_numbers_are_the_same_objects():
    instances, labels, prediction = scene(np.random.default_rng(3), (300, 300))
    high = np.where(instances > 0, instances + 2**30, 0).astype(np.int32)
    categories = category_table(0, 1, 1, 2, 2)
    counts, shifted = (instance_counts(n, labels, prediction, categories) for n in (instances, high))
    assert np.array_equal(counts.numbers, shifted.numbers - 2**30)
    for column, same in zip(counts[1:], shifted[1:], strict=True):
        assert np.array_equal(column, same)
    everywhere = instance_counts(np.full((3, 3), 2**30, np.int32), *np.ones((2, 3, 3), np.uint8), categories)
    assert [column.tolist() for column in everywhere] == [[2**30], [1], [9], [9], [9]]


def test_no_object():
    empty = np.zeros((5, 5), np.int32)
    counts = instance_counts(empty, *np.zeros((2, 5, 5), np.uint8), category_table(0))
    assert all(column.size == 0 for column in counts)


@pytest.mark.parametrize("side", [10, int(FEW_PIXELS**0.5)])
def test_an_object_of_two_classes_is_refused(side):
    instances, labels = np.full((side, side), 5, np.int32), np.ones((side, side), np.uint8)
    labels[-1, -2:] = 0
    with pytest.raises(DataError, match=r"instance numbers differ within: 5 \(2 pixels astray\)"):
        instance_counts(instances, labels, labels, category_table(0, 1))


def test_shapes_types_and_signs_are_checked():
    labels, numbers = np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.int32)
    with pytest.raises(DataError, match="as int32"):
        instance_counts(numbers.astype(np.uint16), labels, labels, category_table(0))
    with pytest.raises(DataError, match=r"found int32 of shape \(2, 1\)"):
        instance_counts(numbers[:, :1], labels, labels, category_table(0))
    with pytest.raises(DataError, match="negative instance number"):
        instance_counts(numbers - 1, labels, labels, category_table(0))
