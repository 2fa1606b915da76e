import numpy as np
import pytest

from sceneseg.transforms.geometry import FILL, Window, cut, cut_instances

rng = np.random.default_rng(0)


def test_the_identity_window_changes_nothing():
    image = rng.integers(0, 256, (12, 20, 3), dtype=np.uint8)
    labels = rng.integers(0, 5, (12, 20), dtype=np.uint8)
    same, ids = cut(image, labels, Window((1.0, 1.0), 0.0, 0.0, False, (12, 20)))
    assert np.array_equal(same, image)
    assert np.array_equal(ids, labels)
    mirrored, ids = cut(image, labels, Window((1.0, 1.0), 0.0, 0.0, True, (12, 20)))
    assert np.array_equal(mirrored, image[:, ::-1])
    assert np.array_equal(ids, labels[:, ::-1])


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
@pytest.mark.parametrize("flip", [False, True])
def test_image_and_labels_stay_aligned(factor, flip):
    """An image whose gray value is its label: after any cut, nearest labels and bilinear gray differ only at edges."""
    labels = np.kron(rng.integers(0, 2, (6, 10), dtype=np.uint8), np.ones((16, 16), np.uint8))
    image = np.repeat(labels[..., None] * 200, 3, axis=2)
    size = (round(96 * factor), round(160 * factor))
    out, ids = cut(image, labels, Window((factor, factor), 0.0, 0.0, flip, size))
    inside = np.isin(out[..., 0], (0, 200))
    assert inside.mean() > 0.75
    assert np.array_equal(out[..., 0][inside] == 200, ids[inside] == 1)
    agree = ((ids == 1) == (out[..., 0] >= 100))[out[..., 0] != 100]
    assert agree.mean() > 0.995  # but for the corners where four cells meet


def test_no_new_ids_but_void_outside():
    labels = np.full((20, 30), 7, np.uint8)
    image = np.full((20, 30, 3), 9, np.uint8)
    out, ids = cut(image, labels, Window((0.5, 0.5), -5.0, -5.0, False, (20, 30)))
    assert set(np.unique(ids)) == {7, 255}
    assert (ids == 7).sum() == 10 * 15
    assert (out[ids == 7] == 9).all()


@pytest.mark.parametrize(("kind", "unit"), [(np.uint16, 257), (np.float32, 1 / 255)])
def test_other_types_are_cut_like_bytes(kind, unit):
    image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    labels = rng.integers(0, 5, (20, 30), dtype=np.uint8)
    window = Window((0.7, 1.3), -3.0, 8.0, True, (24, 40))
    expected, ids = cut(image, labels, window)
    found, same = cut((image * np.float64(unit)).astype(kind), labels, window)
    assert found.dtype == kind
    assert np.array_equal(same, ids)
    assert abs(found / unit - expected).max() <= 0.51
    assert (found[0, 0] / unit).round().tolist() == list(FILL)


def test_labels_of_two_bytes_have_their_own_void():
    labels = rng.integers(0, 1000, (20, 30), dtype=np.uint16)
    _, ids = cut(np.zeros((20, 30, 3), np.uint8), labels, Window((1.0, 1.0), -2.0, 0.0, False, (20, 30)))
    assert ids.dtype == np.uint16
    assert (ids[:2] == 65535).all()
    assert np.array_equal(ids[2:], labels[:-2])


def test_instances_move_with_their_labels():
    labels = rng.integers(0, 5, (20, 30), dtype=np.uint8)
    for number in range(8):
        scale = float(rng.uniform(0.4, 2.5))
        window = Window((scale, scale), float(rng.uniform(-5, 9)), float(rng.uniform(-5, 9)), number % 2 == 0, (24, 40))
        _, ids = cut(np.zeros((20, 30, 3), np.uint8), labels, window)
        instances = cut_instances(1000 * (labels.astype(np.int32) + 1), window)
        assert instances.dtype == np.int32
        assert np.array_equal(np.where(ids == 255, 0, 1000 * (ids.astype(np.int32) + 1)), instances)


def test_a_window_beyond_the_image_shows_nothing_of_it():
    window = Window((1.0, 1.0), 50.0, 50.0, False, (4, 5))
    assert (cut_instances(np.ones((20, 30), np.int32), window) == 0).all()
    image, labels = cut(np.ones((20, 30, 3), np.float32), np.zeros((20, 30), np.uint8), window)
    assert (labels == 255).all()
    assert np.allclose(image, np.array(FILL) / 255)
