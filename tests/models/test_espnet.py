from typing import Any

import pytest
import torch

from sceneseg import models
from sceneseg.models._esp import fuse_hierarchically


def parameters(**arguments: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in models.create("espnet", **arguments).parameters())


@pytest.mark.parametrize(
    ("num_classes", "image_skip", "expected"), [(20, False, 364_569), (12, True, 354_517), (19, False, 362_949)]
)
def test_has_the_parameters_of_the_authors_files(num_classes: int, image_skip: bool, expected: int) -> None:
    assert parameters(num_classes=num_classes, image_skip=image_skip) == expected


def test_trains_the_encoders_logits_beside_its_own() -> None:
    model = models.create("espnet", num_classes=6, width=5, q=1)
    image = torch.rand(2, 3, 30, 45)  # padded to 32 x 48
    assert [x.shape for x in model.coarse_logits(image)] == [(2, 6, 32, 48), (2, 6, 4, 6)]
    assert len(model.eval().coarse_logits(image)) == 1


@pytest.mark.parametrize("num_classes", [1, 2, 4])
def test_fewer_classes_than_dilations_will_do(num_classes: int) -> None:
    model = models.create("espnet", num_classes=num_classes, width=5, p=1, q=1).eval()
    assert model(torch.rand(1, 3, 16, 24)).shape == (1, num_classes, 16, 24)


def test_the_image_enters_at_each_level() -> None:
    model = models.create("espnet", num_classes=3, width=5, p=1, q=1, image_skip=True).eval()
    with torch.no_grad():
        model.stem.conv.weight.zero_()  # what is left of the image came in beside the stem
        assert not torch.allclose(model(torch.zeros(1, 3, 16, 16)), model(torch.ones(1, 3, 16, 16)))


def test_branches_are_summed_up() -> None:
    ones = [torch.ones(1, 1, 2, 2)] * 4
    assert [float(x[0, 0, 0, 0]) for x in fuse_hierarchically(ones)] == [1, 2, 3, 4]
