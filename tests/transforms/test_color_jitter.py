import colorsys

import numpy as np
import torch

from sceneseg.transforms.base import SampleInfo, sample_generator
from sceneseg.transforms.color_jitter import ColorJitter

INFO = SampleInfo(0, "", (8, 8), (8, 8), (8, 8))


def jittered(image, drawn):
    return ColorJitter().apply(image, drawn)


def test_jitter_without_change_is_the_identity():
    image = torch.rand(2, 3, 5, 7)
    assert torch.allclose(jittered(image, torch.tensor([[1.0, 1, 1, 0]] * 2)), image, atol=1e-6)


def test_jitter_does_what_its_names_say():
    image = torch.rand(1, 3, 8, 8) * 0.4 + 0.3
    bright = jittered(image, torch.tensor([[1.2, 1, 1, 0]]))
    assert torch.allclose(bright, image * 1.2, atol=1e-5)
    flat = jittered(image, torch.tensor([[1, 0.5, 1, 0]]))
    assert torch.allclose(flat, image * 0.5 + image.mean() * 0.5, atol=1e-5)
    gray = jittered(image, torch.tensor([[1, 1, 0, 0]]))
    luma = (image * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    assert torch.allclose(gray, luma.expand_as(gray), atol=2e-3)


def test_hue_turns_red_towards_another_color():
    red = torch.tensor([0.8, 0.3, 0.3]).view(1, 3, 1, 1)
    turned = jittered(red, torch.tensor([[1.0, 1, 1, 1 / 3]]))[0, :, 0, 0].tolist()
    assert colorsys.rgb_to_hsv(*turned)[0] > 0.2


def test_color_is_drawn_within_its_range():
    jitter = ColorJitter(brightness=0.1, contrast=0.2, saturation=0.3, hue=0.0)
    drawn = np.stack([jitter.draw(sample_generator(0, i), INFO) for i in range(200)])
    assert np.allclose(np.abs(drawn - [1, 1, 1, 0]).max(0), [0.1, 0.2, 0.3, 0], atol=0.01)
