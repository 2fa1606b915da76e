from typing import Any

import pytest
import torch

from sceneseg import models


def parameters(**arguments: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in models.create("u2netp", **arguments).parameters())


@pytest.mark.parametrize(("num_classes", "expected"), [(1, 1_131_181), (19, 1_195_675)])
def test_has_the_parameters_of_the_authors_model(num_classes: int, expected: int) -> None:
    assert parameters(num_classes=num_classes) == expected


def test_the_fused_logits_come_first_then_the_six_scales() -> None:
    model = models.create("u2netp", num_classes=3, width=8)
    logits = model.coarse_logits(torch.rand(2, 3, 64, 32))
    assert [tuple(x.shape) for x in logits] == [(2, 3, 64 // s, 32 // s) for s in (1, 1, 2, 4, 8, 16, 32)]
