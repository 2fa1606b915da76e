import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models import _hrnet
from sceneseg.models._hrnet import ClassificationHead, HRNetBackbone, copy_weights
from sceneseg.models._timm import create_timm
from sceneseg.models._torchvision import import_timm
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import model_cost


def tiny(**arguments: object) -> SegmentationModel:
    torch.manual_seed(1)
    return models.create("hrnet", num_classes=3, **{"variant": "w18-small-v1", "width": 4} | arguments)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [("w48", 65_859_379), ("w18", 9_641_119), ("w18-small-v2", 3_939_579), ("w18-small-v1", 1_540_819)],
)
def test_has_the_parameters_of_the_authors_model(variant: str, expected: int) -> None:
    with torch.device("meta"):
        model = models.create("hrnet", num_classes=19, variant=variant)
    assert sum(p.numel() for p in model.parameters()) == expected


@pytest.mark.slow
def test_costs_what_the_authors_model_costs() -> None:
    assert model_cost("hrnet", 19, (1024, 2048)).gmacs == pytest.approx(747.5, abs=0.05)


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [("w48", 77_469_864), ("w32", 41_232_680), ("w18", 21_299_004), ("w18-small-v1", 13_187_464)],
)
def test_has_the_parameters_of_the_authors_classifier(variant: str, parameters: int) -> None:
    with torch.device("meta"):
        backbone = HRNetBackbone(variant=variant)
        head = ClassificationHead(backbone.channels, 1000)
    assert sum(p.numel() for part in (backbone, head) for p in part.parameters()) == parameters


def test_trains_on_one_image_of_odd_size() -> None:
    model = tiny()
    image = torch.rand(1, 3, 67, 131)
    (logits,) = model.coarse_logits(image)
    assert logits.shape == (1, 3, 17, 33)
    logits.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(image).shape == (1, 3, 67, 131)


def test_computes_what_timm_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """timm has the classifier only, which enlarges by nearest neighbor where segmentation is bilinear."""
    torch.manual_seed(0)
    theirs = create_timm("hrnet_w18_small", pretrained=False).eval()
    randomise_norms(theirs)
    backbone = HRNetBackbone(variant="w18-small-v1").eval()
    head = ClassificationHead(backbone.channels, 1000).eval()
    copy_weights(theirs, nn.ModuleList([backbone, head]))
    monkeypatch.setattr(_hrnet, "resize", lambda x, like: F.interpolate(x, like.shape[-2:]))
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 1e-3
        assert torch.allclose(head(backbone(image)), expected, rtol=1e-4, atol=1e-4)


def test_starts_from_timms_weights_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def fake_download(name: str, pretrained: bool, **arguments: object) -> nn.Module:
        assert (name, pretrained, arguments) == ("hrnet_w18_small", True, {"in_chans": 4})
        made.append(create_timm(name, pretrained=False, **arguments))
        return made[0]

    monkeypatch.setattr(_hrnet, "create_timm", fake_download)
    model = tiny(pretrained=True, width=None, in_channels=4)
    assert torch.equal(model.backbone.stem[0][0].weight, made[0].conv1.weight)
    last = model.backbone.stages[2].exchanges[0].sums[3].paths[2][0][0].weight
    assert torch.equal(last, made[0].stage4[0].fuse_layers[3][2][0][0].weight)


def test_refuses_weights_for_another_width() -> None:
    with pytest.raises(ModelError, match="are for width 16, found 4. Leave width out"):
        tiny(pretrained=True)


def test_without_network_says_how_to_get_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> nn.Module:
        raise FileNotFoundError("we cannot find the requested files in the local cache")

    monkeypatch.setattr(import_timm(), "create_model", offline)
    with pytest.raises(ModelError, match=r'"hrnet_w18_small" are not in the cache.*pretrained: false'):
        tiny(pretrained=True, width=None)


def test_each_branch_hears_of_all_others() -> None:
    exchange = _hrnet.Exchange([4, 8, 16], blocks=1).eval()
    branches = [torch.rand(1, c, 16 // s, 16 // s, requires_grad=True) for c, s in [(4, 1), (8, 2), (16, 4)]]
    merged = exchange(branches)
    assert [x.shape for x in merged] == [x.shape for x in branches]
    for target in merged:
        gradients: tuple[Tensor, ...] = torch.autograd.grad(target.square().sum(), branches, retain_graph=True)
        assert all(g.abs().max() > 0 for g in gradients)


def test_an_unknown_variant_is_answered_with_a_suggestion() -> None:
    with pytest.raises(ModelError, match='no HRNet variant "w84". Did you mean "w48"'):
        tiny(variant="w84")


def randomise_norms(network: nn.Module) -> None:
    for m in network.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.running_mean, std=0.1)
            nn.init.uniform_(m.running_var, 0.5, 1.5)
