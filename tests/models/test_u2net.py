from typing import Any

import pytest
import torch

from sceneseg import models
from sceneseg.models._rsu import residual_u


def parameters(**arguments: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in models.create("u2net", **arguments).parameters())


@pytest.mark.parametrize(("num_classes", "expected"), [(1, 44_009_869), (19, 44_260_987)])
def test_has_the_parameters_of_the_authors_model(num_classes: int, expected: int) -> None:
    assert parameters(num_classes=num_classes) == expected


def test_the_fused_logits_come_first_then_the_six_scales() -> None:
    model = models.create("u2net", num_classes=3, width=1 / 16)
    logits = model.coarse_logits(torch.rand(2, 3, 60, 90))  # padded to 64 x 96
    assert [tuple(x.shape) for x in logits] == [(2, 3, 64 // s, 96 // s) for s in (1, 1, 2, 4, 8, 16, 32)]
    assert len(model.eval().coarse_logits(torch.rand(1, 3, 60, 90))) == 1


def test_every_scale_takes_part_in_the_fusion() -> None:
    model = models.create("u2net", num_classes=3, width=1 / 16).eval()
    model.coarse_logits(torch.rand(1, 3, 64, 64))[0].square().sum().backward()
    assert all(side.weight.grad.abs().sum() > 0 for side in model.body.sides)


@pytest.mark.parametrize(("depth", "smallest"), [(7, 2), (6, 4), (5, 8), (4, 16), (0, 64)])
def test_a_stage_of_depth_n_pools_n_minus_2_times(depth: int, smallest: int) -> None:
    sizes = []
    stage = residual_u(depth, 2, 3, 4)
    for conv in stage.down:
        conv.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.shape[-1]))
    assert stage(torch.rand(2, 2, 64, 64)).shape == (2, 4, 64, 64)
    assert min(sizes) == smallest
    assert len(sizes) == (depth or 4)
