import pytest
import torch
from torch import nn

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models import _hrnet
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import model_cost
from sceneseg.models.ocrnet import RegionAttention, region_means


def tiny(**arguments: object) -> SegmentationModel:
    torch.manual_seed(1)
    small = {"variant": "w18-small-v1", "width": 4, "channels": 16, "key_channels": 8}
    return models.create("ocrnet", num_classes=3, **small | arguments)


def test_has_the_parameters_of_the_authors_model() -> None:
    with torch.device("meta"):
        model = models.create("ocrnet", num_classes=19)
    assert sum(p.numel() for p in model.parameters()) == 70_372_678
    assert sum(p.numel() for p in model.region_head.parameters()) == 534_259


@pytest.mark.slow
def test_costs_what_the_authors_model_costs() -> None:
    assert model_cost("ocrnet", 19, (1024, 2048)).gmacs == pytest.approx(1297.9, abs=0.05)


def test_trains_on_one_image_of_odd_size() -> None:
    model = tiny()
    image = torch.rand(1, 3, 67, 131)
    logits = model.coarse_logits(image)
    assert [tuple(x.shape) for x in logits] == [(1, 3, 17, 33)] * 2
    logits[0].square().mean().backward()  # the regions are part of the main path
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(image).shape == (1, 3, 67, 131)
    assert len(model.coarse_logits(image)) == 1


def test_a_certain_region_is_represented_by_the_mean_of_its_pixels() -> None:
    torch.manual_seed(0)
    pixels = torch.rand(2, 5, 4, 6)
    inside = torch.rand(2, 3, 4, 6) > 0.5
    means = region_means(pixels, inside * 100.0)
    assert means.shape == (2, 5, 3, 1)
    for i in range(2):
        for k in range(3):
            assert torch.allclose(means[i, :, k, 0], pixels[i, :, inside[i, k]].mean(dim=1))


def test_attention_mixes_regions_by_their_likeness_to_the_pixel() -> None:
    torch.manual_seed(0)
    attention = RegionAttention(4, 4).eval()
    pixels, regions = torch.randn(2, 4, 3, 5), torch.randn(2, 4, 6, 1)
    query, key, value = attention.query(pixels), attention.key(regions), attention.value(regions)
    expected = torch.zeros(2, 4, 3, 5)
    for b in range(2):
        for y in range(3):
            for x in range(5):
                likeness = (query[b, :, y, x, None] * key[b, :, :, 0]).sum(dim=0) / 2  # root of 4 channels
                expected[b, :, y, x] = (likeness.softmax(dim=0) * value[b, :, :, 0]).sum(dim=1)
    assert torch.allclose(attention(pixels, regions), attention.project(expected), atol=1e-6)


def test_pretrained_weights_go_into_the_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hrnet, "create_timm", lambda *_, **__: ones(_hrnet.HRNetBackbone(3, "w18-small-v1")))
    model = tiny(pretrained=True, width=None)
    assert all((p == 1).all() for p in model.backbone.parameters())
    assert not (model.pixels[0].weight == 1).any()


def test_an_unknown_variant_is_answered_with_a_suggestion() -> None:
    with pytest.raises(ModelError, match='no HRNet variant "w84". Did you mean "w48"'):
        tiny(variant="w84")


def ones(network: nn.Module) -> nn.Module:
    for p in network.parameters():
        nn.init.ones_(p)
    return network
