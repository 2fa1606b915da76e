import colorsys

import numpy as np
import pytest
import torch

from sceneseg.config.schema import AugmentConfig
from sceneseg.transforms.geometry import Window, cut, draw_color, draw_window, jitter, sample_generator

rng = np.random.default_rng(0)


def test_draws_depend_on_seed_and_number_alone():
    config = AugmentConfig()

    def draw(seed, number):
        return draw_window(sample_generator(seed, number), (64, 96), (64, 96), (32, 48), config)

    assert draw(3, 7) == draw(3, 7)
    assert draw(3, 7) != draw(3, 8)
    assert draw(3, 7) != draw(4, 7)


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
    """A picture whose gray value is its label: after any cut, nearest labels and bilinear gray differ only at edges."""
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


def test_small_images_are_placed_inside_and_large_ones_cropped():
    config = AugmentConfig(scale=(0.5, 0.5))
    for number in range(20):
        small = draw_window(sample_generator(0, number), (60, 100), (60, 100), (40, 40), config)
        assert -10 <= small.top <= 0
        assert 0 <= small.left <= 10


def test_a_target_size_is_what_scale_one_means():
    config = AugmentConfig(scale=(1.0, 1.0))
    window = draw_window(sample_generator(0, 0), (100, 200), (50, 50), (50, 50), config)
    assert window.scale == (0.5, 0.25)
    assert window.size == (50, 50)


def test_jitter_without_change_is_the_identity():
    image = torch.rand(2, 3, 5, 7)
    assert torch.allclose(jitter(image, torch.tensor([[1.0, 1, 1, 0]] * 2)), image, atol=1e-6)


def test_jitter_does_what_its_names_say():
    image = torch.rand(1, 3, 8, 8) * 0.4 + 0.3
    bright = jitter(image, torch.tensor([[1.2, 1, 1, 0]]))
    assert torch.allclose(bright, image * 1.2, atol=1e-5)
    flat = jitter(image, torch.tensor([[1, 0.5, 1, 0]]))
    assert torch.allclose(flat, image * 0.5 + image.mean() * 0.5, atol=1e-5)
    gray = jitter(image, torch.tensor([[1, 1, 0, 0]]))
    luma = (image * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    assert torch.allclose(gray, luma.expand_as(gray), atol=2e-3)


def test_hue_turns_red_towards_another_color():
    red = torch.tensor([0.8, 0.3, 0.3]).view(1, 3, 1, 1)
    turned = jitter(red, torch.tensor([[1.0, 1, 1, 1 / 3]]))[0, :, 0, 0].tolist()
    assert colorsys.rgb_to_hsv(*turned)[0] > 0.2


def test_color_is_drawn_within_its_range():
    config = AugmentConfig(brightness=0.1, contrast=0.2, saturation=0.3, hue=0.0)
    drawn = np.stack([draw_color(sample_generator(0, i), config) for i in range(200)])
    assert np.allclose(np.abs(drawn - [1, 1, 1, 0]).max(0), [0.1, 0.2, 0.3, 0], atol=0.01)
