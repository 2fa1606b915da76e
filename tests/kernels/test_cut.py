import cv2
import numpy as np
import pytest

from sceneseg.kernels import cut as kernel
from sceneseg.kernels.cut import cut_nearest, cut_pixels

rng = np.random.default_rng(0)
FILL, VOID = (9, 8, 7), 255


def positions(count, start, step):
    return start + step * np.arange(count)


def scene(height, width):
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8), rng.integers(0, 9, (height, width), dtype=np.uint8)


@pytest.mark.parametrize("step", [1.0, -1.0, 0.37, -2.1])
@pytest.mark.parametrize("size", [(60, 90), (2, 90), (1, 1), (40, 1)])
def test_compiled_loop_equals_the_reference(step, size, monkeypatch):
    image, labels = scene(*size)
    rows, columns = positions(70, 30.2, step), positions(81, 44.7, step)
    if step == 0.37:
        rows, columns = rows - 31, columns - 46
    monkeypatch.setattr(kernel, "FEW_PIXELS", 0)
    fast = cut_pixels(image, labels, rows, columns, FILL, VOID)
    monkeypatch.setattr(kernel, "FEW_PIXELS", 2**30)
    plain = cut_pixels(image, labels, rows, columns, FILL, VOID)
    assert all(np.array_equal(a, b) for a, b in zip(fast, plain, strict=True))


@pytest.mark.parametrize("step", [0.5, 0.8, 1.0, 1.7])
def test_agrees_with_opencv(step):
    image, labels = scene(200, 300)
    image = cv2.GaussianBlur(image, (5, 5), 0)
    rows, columns = positions(100, 3.3137, step), positions(120, 5.6071, step)
    matrix = np.array([[step, 0, 5.6071], [0, step, 3.3137]])
    inverse = cv2.WARP_INVERSE_MAP
    smooth = cv2.warpAffine(image, matrix, (120, 100), flags=inverse | cv2.INTER_LINEAR)
    nearest = cv2.warpAffine(labels, matrix, (120, 100), flags=inverse | cv2.INTER_NEAREST)
    out, ids = cut_pixels(image, labels, rows, columns, FILL, VOID)
    assert np.abs(out.astype(int) - smooth).max() <= 3  # OpenCV 4 rounds positions to 1/32 pixel
    assert (ids != nearest).mean() < 0.002


def test_whole_steps_copy_and_negative_steps_mirror():
    image, labels = scene(20, 30)
    out, ids = cut_pixels(image, labels, positions(12, 4, 1), positions(30, 29, -1), FILL, VOID)
    assert np.array_equal(out, image[4:16, ::-1])
    assert np.array_equal(ids, labels[4:16, ::-1])


def test_outside_is_filled_where_labels_are_void():
    image, labels = scene(10, 10)
    out, ids = cut_pixels(image, labels, positions(15, -3.25, 1), positions(12, 4.4, 1), FILL, VOID)
    assert (ids == VOID).sum() == 15 * 12 - 10 * 6
    assert (out[ids == VOID] == FILL).all()
    nowhere, void = cut_pixels(image, labels, positions(3, 50, 1), positions(4, 0, 1), FILL, VOID)
    assert (nowhere == FILL).all()
    assert (void == VOID).all()


def test_the_picture_around_the_window_does_not_matter(monkeypatch):
    """Positions decide, not memory: a window shifted by whole pixels gives the same bits."""
    monkeypatch.setattr(kernel, "FEW_PIXELS", 0)
    image, labels = scene(120, 160)
    rows, columns = positions(50, 30.015625, 0.75), positions(60, 40.40625, 1.25)
    whole = cut_pixels(image, labels, rows, columns, FILL, VOID)
    part = np.ascontiguousarray(image[29:70, 39:118]), np.ascontiguousarray(labels[29:70, 39:118])
    again = cut_pixels(*part, rows - 29, columns - 39, FILL, VOID)
    assert all(np.array_equal(a, b) for a, b in zip(whole, again, strict=True))


@pytest.mark.parametrize(("kind", "unit"), [(np.uint16, 257), (np.float32, 1 / 255)])
@pytest.mark.parametrize("step", [0.37, -2.1])
@pytest.mark.parametrize("size", [(60, 90), (1, 1), (40, 1)])
def test_other_types_are_cut_like_bytes(kind, unit, step, size):
    image, labels = scene(*size)
    rows, columns = positions(70, 30.2, step), positions(81, 44.7, step)
    expected, ids = cut_pixels(image, labels, rows, columns, FILL, VOID)
    found, same = cut_pixels((image * np.float64(unit)).astype(kind), labels, rows, columns, FILL, VOID)
    assert found.dtype == kind
    assert np.array_equal(same, ids)
    assert abs(found / unit - expected).max() <= 0.51  # half a byte, by which those are rounded


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32])
@pytest.mark.parametrize("step", [1.0, 0.37, -2.1])
def test_numbers_are_cut_like_labels(kind, step):
    image, labels = scene(60, 90)
    rows, columns = positions(70, 30.2, step), positions(81, 44.7, step)
    _, ids = cut_pixels(image, labels, rows, columns, FILL, VOID)
    found = cut_nearest(labels.astype(kind), rows, columns, VOID)
    assert found.dtype == kind
    assert np.array_equal(found, ids)
