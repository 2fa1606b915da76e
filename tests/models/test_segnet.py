from typing import Any

import pytest
import torch
import torch.nn.functional as F

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models import _segnet
from sceneseg.models._segnet import SegNetBody, pool, unpool
from sceneseg.models._torchvision import import_timm


def parameters(**arguments: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in models.create("segnet", **arguments).parameters())


@pytest.mark.parametrize(("num_classes", "expected"), [(11, 29_449_355), (19, 29_453_971)])
def test_has_the_parameters_of_the_authors_model(num_classes: int, expected: int) -> None:
    assert parameters(num_classes=num_classes) == expected


def test_pooling_restores_positions_as_torch_does() -> None:
    x, values = torch.randn(2, 3, 8, 12), torch.randn(2, 3, 4, 6)
    maxima, places = pool(x)
    expected, indices = F.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(maxima, expected)
    assert torch.equal(unpool(values, places), F.max_unpool2d(values, indices, 2))


def test_equal_values_have_one_maximum() -> None:
    _, places = pool(torch.zeros(1, 2, 6, 4))  # after ReLU most windows are all zero
    assert unpool(torch.ones(1, 2, 3, 2), places).sum() == 12


def test_gradients_flow_to_the_maxima_alone() -> None:
    x = torch.randn(1, 2, 4, 4, requires_grad=True)
    (unpool(*pool(x)) * torch.arange(16.0).view(4, 4)).sum().backward()
    maxima, indices = F.max_pool2d(x.detach(), 2, return_indices=True)
    assert torch.equal(x.grad, F.max_unpool2d(torch.ones_like(maxima), indices, 2) * torch.arange(16.0).view(4, 4))


def test_is_the_network_built_with_torchs_unpooling() -> None:
    model = models.create("segnet", num_classes=5, width=4).eval()
    image = torch.rand(1, 3, 64, 96)
    x, indices = model.prepare(image), []
    with torch.no_grad():
        for level in model.body.down:
            x, index = F.max_pool2d(level(x), 2, return_indices=True)
            indices.append(index)
        for level in model.body.up:
            x = level(F.max_unpool2d(x, indices.pop(), 2))
        torch.testing.assert_close(model(image), x)


def test_starts_from_vgg16(monkeypatch: pytest.MonkeyPatch) -> None:
    timm = import_timm()
    vgg = timm.create_model("vgg16_bn", features_only=True).eval()  # random weights serve the purpose
    asked = {}
    monkeypatch.setattr(_segnet, "create_timm", lambda name, **options: asked.update(name=name, **options) or vgg)
    body = SegNetBody(num_classes=2, in_channels=3, width=64).eval()
    body.load_vgg16()
    assert (asked["name"], asked["pretrained"]) == ("vgg16_bn", True)
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        maps = vgg(x)  # each level in front of its pooling, at 1, 1/2, ... 1/16, and the last one pooled
        for level, expected in zip(body.down, maps, strict=False):
            x = level(x)
            torch.testing.assert_close(x, expected)
            x, _ = pool(x)


def test_vgg16_needs_its_width() -> None:
    with pytest.raises(ModelError, match=r"64 channels .* not 8"):
        models.create("segnet", num_classes=2, width=8, pretrained=True)
