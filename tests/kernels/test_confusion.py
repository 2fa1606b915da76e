import subprocess
import sys

import cv2
import numpy as np
import pytest

from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import DataError
from sceneseg.kernels import confusion
from sceneseg.kernels.confusion import BLOCK, FEW_PIXELS, WORD, confusion_counts


def patchy(rng, size, values):
    """Runs of equal values from 1 to 300 pixels long, as label maps have them."""
    lengths = rng.integers(1, 300, size + 1)
    return np.repeat(rng.choice(np.array(values, np.uint8), size + 1), lengths)[:size]


def test_counts_pairs():
    labels = np.array([[0, 0, 1], [2, 255, 255]], np.uint8)
    prediction = np.array([[0, 1, 1], [255, 2, 255]], np.uint8)
    expected = [
        [1, 1, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 1],
    ]
    counts = confusion_counts(labels, prediction, 3)
    assert counts.dtype == np.int64
    assert counts.tolist() == expected


@pytest.mark.parametrize("size", [0, 1, WORD - 1, WORD, WORD + 1, BLOCK * WORD, 10 * BLOCK * WORD + 7, FEW_PIXELS + 5])
@pytest.mark.parametrize("kind", ["patches", "noise"])
def test_compiled_equals_reference(size, kind):
    rng = np.random.default_rng(size)
    if kind == "patches":
        labels, prediction = patchy(rng, size, range(256)), patchy(rng, size, [3, 200, 255])
    else:
        labels, prediction = rng.integers(0, 256, (2, size)).astype(np.uint8)
    compiled = confusion.count_pairs_in_words(labels, prediction)
    assert np.array_equal(compiled, confusion.count_pairs_reference(labels, prediction))
    assert compiled.sum() == size


def test_more_pixels_than_a_table_holds_are_counted_in_parts(monkeypatch):
    monkeypatch.setattr(confusion, "MOST_PIXELS", 1001)
    labels, prediction = (patchy(np.random.default_rng(seed), 5000, [0, 7, 255]) for seed in (1, 2))
    found = confusion.count_pairs_in_words(labels, prediction)
    assert found.dtype == np.int64
    assert np.array_equal(found, confusion.count_pairs_reference(labels, prediction))


@pytest.mark.parametrize("num_classes", [1, 19, 254])
def test_large_images_and_views(num_classes):
    rng = np.random.default_rng(7)
    values = [*range(num_classes), 255]
    labels, prediction = (patchy(rng, 300 * 500, values).reshape(300, 500) for _ in range(2))
    counts = confusion_counts(labels, prediction, num_classes)
    assert counts.shape == (num_classes + 1, num_classes + 1)
    for i in rng.integers(0, num_classes + 1, 20):
        for j in rng.integers(0, num_classes + 1, 20):
            assert counts[i, j] == ((labels == values[i]) & (prediction == values[j])).sum()
    assert np.array_equal(counts, confusion_counts(labels.T, prediction.T, num_classes))
    half = confusion_counts(labels[:, ::2], prediction[:, ::2], num_classes)
    assert np.array_equal(half + confusion_counts(labels[:, 1::2], prediction[:, 1::2], num_classes), counts)


def test_real_labels(shared_data):
    path = next((shared_data / "cityscapes_labels_only").rglob("*_labelIds.png"))
    label_ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    labels = LABEL_SPACE.encode(label_ids)
    prediction = LABEL_SPACE.encode(np.roll(label_ids, (4, 16), (0, 1)))
    counts = confusion_counts(labels, prediction, 19)
    known = [*range(19), 255]
    assert np.array_equal(
        counts, confusion.count_pairs_reference(labels.ravel(), prediction.ravel())[np.ix_(known, known)]
    )
    assert counts.sum() == 1024 * 2048


@pytest.mark.parametrize("size", [100, FEW_PIXELS])
def test_unknown_train_ids_are_refused(size):
    good, bad = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    bad[-3:] = 19, 254, 19
    with pytest.raises(
        DataError, match=r"prediction hold the train id 19 \(2 pixels\), 254 \(1 pixels\); expected 0..18"
    ):
        confusion_counts(good, bad, 19)
    with pytest.raises(DataError, match="The labels hold the train id 19"):
        confusion_counts(bad, good, 19)
    assert confusion_counts(good, bad, 20, ignore_index=254)[0].tolist() == [size - 3, *[0] * 18, 2, 1]


def test_shapes_and_types_are_checked():
    labels = np.zeros((4, 6), np.uint8)
    with pytest.raises(DataError, match="prediction is 2 x 3, its labels are 4 x 6"):
        confusion_counts(labels, np.zeros((2, 3), np.uint8), 3)
    with pytest.raises(DataError, match="prediction as uint8 train ids, found int64"):
        confusion_counts(labels, labels.astype(np.int64), 3)


def test_importing_metrics_is_cheap():
    code = "import sys, sceneseg.metrics.table; print(*{'numba', 'torch', 'cv2'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
