import pytest
import torch
import torch.nn.functional as F

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models._torchvision import import_timm
from sceneseg.models.unet import Up

SHORTCUTS = sum(2 * c * c + 2 * c for c in (512, 256, 128, 64))  # for each level a 1x1 convolution and its norm


@pytest.mark.parametrize(
    ("arguments", "classes", "parameters"),
    [
        ({}, 19, 31_038_803),  # milesial/Pytorch-UNet
        ({"batch_norm": False}, 19, 31_032_915),  # the paper
        ({"residual": True}, 19, 31_038_803 + SHORTCUTS),
        ({"encoder": "resnext50_32x4d"}, 8, 31_993_992),  # segmentation_models_pytorch
        ({"encoder": "resnext50_32x4d"}, 19, 31_995_587),
    ],
)
def test_has_the_parameters_of_the_reference(arguments: dict, classes: int, parameters: int) -> None:
    with torch.device("meta"):
        model = models.create("unet", num_classes=classes, **arguments)
        (coarse,) = model.coarse_logits(torch.zeros(1, 3, 64, 96))
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert coarse.shape == (1, classes, 64, 96)


@pytest.mark.parametrize(
    "arguments",
    [
        {"width": 4, "depth": 3},
        {"width": 4, "depth": 2, "residual": True},
        {"width": 4, "depth": 2, "batch_norm": False},
        {"width": 4, "encoder": "test_resnet", "residual": True},
        {"width": 4, "encoder": "test_convnext"},  # has no maps of stride 1 and 2
    ],
)
def test_any_size_goes_in_and_every_parameter_learns(arguments: dict) -> None:
    model = models.create("unet", num_classes=3, **arguments)
    logits = model(torch.rand(2, 3, 67, 131))
    assert logits.shape == (2, 3, 67, 131)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_skips_join_where_the_encoder_has_a_map_of_that_size() -> None:
    channels = {"test_resnet": [32, 16, 8, 4, 2], "test_convnext": [32, 16, 8, 4, 2], "vgg11": [32, 16, 8, 4, 2]}
    skips = {}
    for name, out in channels.items():
        with torch.device("meta"):
            model = models.create("unet", num_classes=2, width=2, encoder=name)
        assert [up.conv[0].out_channels for up in model.up] == out
        below = [model.encoder.channels[-1], *out]
        skips[name] = [up.conv[0].in_channels - c for up, c in zip(model.up, below[:-1], strict=True)]
    assert [s > 0 for s in skips["test_resnet"]] == [True, True, True, True, False]
    assert [s > 0 for s in skips["test_convnext"]] == [True, True, True, False, False]
    assert [s > 0 for s in skips["vgg11"]] == [True] * 5


def test_learned_doubling_keeps_the_place_of_every_pixel() -> None:
    up = Up(1, 1, 1, lambda i, o: torch.nn.Identity(), learned=True)
    torch.nn.init.ones_(up.up.weight)
    torch.nn.init.zeros_(up.up.bias)
    x, skip = torch.rand(1, 1, 3, 4), torch.rand(1, 1, 6, 8)
    joined = up(x, skip)
    assert torch.equal(joined[:, :1], skip)
    torch.testing.assert_close(joined[:, 1:], F.interpolate(x, scale_factor=2, mode="nearest"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pretrained": True}, "encoder: resnet34"),
        ({"encoder": "resnet18", "depth": 3}, "Leave depth out"),
        ({"residual": True, "batch_norm": False}, "batch_norm: true"),
    ],
)
def test_arguments_without_effect_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        models.create("unet", num_classes=2, **arguments)


def test_weights_of_segmentation_models_pytorch_give_the_same_logits() -> None:
    import_timm()
    smp = pytest.importorskip("segmentation_models_pytorch")
    theirs = smp.Unet("resnext50_32x4d", encoder_weights=None, classes=8).eval()
    ours = models.create("unet", num_classes=8, encoder="resnext50_32x4d").eval()
    assert len(theirs.state_dict()) == len(ours.state_dict()) - 2  # mean and std
    state = dict(zip(list(ours.state_dict())[2:], theirs.state_dict().values(), strict=True))
    for i, up in enumerate(ours.up):  # there the skip connection lies behind, here in front
        weight = state[f"up.{i}.conv.0.weight"]
        below = ([2048, *(up.conv[0].out_channels for up in ours.up)])[i]
        state[f"up.{i}.conv.0.weight"] = torch.cat([weight[:, below:], weight[:, :below]], dim=1)
    ours.load_state_dict(state | {"mean": ours.mean, "std": ours.std})
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        expected = theirs((image - ours.mean) / ours.std)
        torch.testing.assert_close(ours(image), expected, rtol=1e-4, atol=1e-4 * float(expected.std()))
