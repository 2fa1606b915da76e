from typing import Any

import pytest
import torch

from sceneseg import models
from sceneseg.errors import ModelError


def parameters(**arguments: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in models.create("espnet_v2", **arguments).parameters())


def test_lacks_what_the_authors_file_never_uses() -> None:
    in_the_file, never_called = 234_010, 32 + 64 + 128  # a PReLU in each of the three strided modules
    assert parameters(num_classes=20) == in_the_file - never_called


@pytest.mark.parametrize("width", [0.5, 1.25, 1.5, 2.0])
def test_can_be_as_wide_as_the_authors_models(width: float) -> None:
    with torch.device("meta"):
        model = models.create("espnet_v2", num_classes=20, width=width)
    channels = [model.stem.norm.num_features, *(m.act.num_parameters for m in (model.down2, model.down3, model.down4))]
    assert channels == [16 if width == 0.5 else 32, 64 * width, 128 * width, 256 * width]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (17, 90), (64, 48)])
def test_takes_any_size(height: int, width: int) -> None:
    model = models.create("espnet_v2", num_classes=2, width=0.5, decoder_width=4).eval()
    assert model(torch.rand(1, 3, height, width)).shape == (1, 2, height, width)


def test_logits_lie_at_half_size() -> None:
    model = models.create("espnet_v2", num_classes=5, width=0.5)
    assert [x.shape for x in model.coarse_logits(torch.rand(2, 3, 30, 64))] == [(2, 5, 16, 32)]


def test_says_how_thin_it_can_be() -> None:
    with pytest.raises(ModelError, match=r"width 0\.5 .* not 0\.25"):
        models.create("espnet_v2", num_classes=2, width=0.25)
