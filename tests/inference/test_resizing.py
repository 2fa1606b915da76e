import numpy as np
import pytest
import torch
from PIL import Image

from sceneseg.inference.resizing import METHODS, nearest_labels, network_input

rng = np.random.default_rng(0)
PICTURE = rng.integers(0, 256, (36, 48, 3), dtype=np.uint8)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_same_size_is_the_picture_itself(method):
    tensor = network_input(PICTURE, (36, 48), method)
    assert tensor.shape == (1, 3, 36, 48)
    assert torch.equal((tensor[0] * 255).round().byte().permute(1, 2, 0), torch.from_numpy(PICTURE))


@pytest.mark.parametrize("size", [(18, 24), (48, 64), (17, 31)])
def test_pil_bilinear_is_pillows(size):
    expected = np.array(Image.fromarray(PICTURE).resize((size[1], size[0]), Image.Resampling.BILINEAR))
    actual = network_input(PICTURE, size, "pil_bilinear")[0].permute(1, 2, 0).numpy() * 255
    assert np.array_equal(actual.round(), expected)


def test_floats_are_not_rounded():
    exact = network_input(PICTURE, (20, 30), "opencv_bilinear") * 255
    rounded = network_input(PICTURE, (20, 30), "opencv") * 255
    assert (exact - exact.round()).abs().max() > 0.1
    assert (exact - rounded).abs().max() <= 1


@pytest.mark.parametrize("size", [(18, 24), (50, 70), (27, 36)])
def test_nearest_is_pillows(size):
    labels = rng.integers(0, 20, (36, 48), dtype=np.uint8)
    expected = np.array(Image.fromarray(labels).resize((size[1], size[0]), Image.Resampling.NEAREST))
    assert np.array_equal(nearest_labels(labels, size), expected)
