from typing import Any

import pytest
import torch

from sceneseg import models


def parameters(**arguments: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in models.create("erfnet", **arguments).parameters())


@pytest.mark.parametrize(("num_classes", "expected"), [(19, 2_066_642), (20, 2_066_836)])
def test_has_the_parameters_of_the_authors_model(num_classes: int, expected: int) -> None:
    assert parameters(num_classes=num_classes) == expected
    assert parameters(num_classes=num_classes, aux=False) == expected - 129 * num_classes


def test_trains_the_encoders_logits_beside_its_own() -> None:
    model = models.create("erfnet", num_classes=4, width=5)
    image = torch.rand(2, 3, 30, 45)  # padded to 32 x 48
    assert [x.shape for x in model.coarse_logits(image)] == [(2, 4, 32, 48), (2, 4, 4, 6)]
    assert len(model.eval().coarse_logits(image)) == 1
    assert len(models.create("erfnet", num_classes=4, width=5, aux=False).coarse_logits(image)) == 1


def test_dilation_doubles_from_2_to_16_twice() -> None:
    model = models.create("erfnet", num_classes=2, width=4)
    dilations = [m.dilation[0] for m in model.encoder.modules() if getattr(m, "kernel_size", 0) == (3, 1)]
    assert dilations == [1] * 10 + [1, 2, 1, 4, 1, 8, 1, 16] * 2
