from typing import Any

import torch

from sceneseg import models


def parameters(**arguments: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in models.create("separable_unet", **arguments).parameters())


def test_has_about_a_third_of_a_million_parameters() -> None:
    assert parameters(num_classes=19) == 349_875


def test_differs_from_the_original_as_its_header_says() -> None:
    original = 345_570
    narrow_head, norms, biases, kernels = 14, 3_648, 1_712, 2_400
    expected = original - narrow_head + norms - biases + kernels
    assert parameters(num_classes=20) == expected


def test_can_be_deeper_and_wider() -> None:
    model = models.create("separable_unet", num_classes=4, width=4, depth=5).eval()
    assert model.size_divisor == 32
    assert model(torch.rand(1, 3, 33, 50)).shape == (1, 4, 33, 50)
    assert parameters(num_classes=19, width=32, depth=5) == 5_332_563


def test_drops_values_of_the_two_deepest_levels_in_training() -> None:
    model = models.create("separable_unet", num_classes=2, width=4, dropout=0.5)
    dropped = []
    model.drop.register_forward_hook(lambda _module, _inputs, output: dropped.append(output))
    model.coarse_logits(torch.rand(2, 3, 32, 32))
    assert [tuple(x.shape) for x in dropped] == [(2, 32, 4, 4), (2, 64, 2, 2)]
    assert all(0.2 < (x == 0).float().mean() < 0.8 for x in dropped)
