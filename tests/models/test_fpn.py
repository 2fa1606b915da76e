import pytest
import torch

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models._torchvision import import_timm

TINY = {"encoder": "test_resnet", "pyramid_channels": 8, "decoder_channels": 32}


@pytest.mark.parametrize(("classes", "parameters"), [(8, 25_588_808), (19, 25_590_227)])
def test_has_the_parameters_of_segmentation_models_pytorch(classes: int, parameters: int) -> None:
    with torch.device("meta"):
        model = models.create("fpn", num_classes=classes)
    assert sum(p.numel() for p in model.parameters()) == parameters


@pytest.mark.parametrize("encoder", ["test_resnet", "test_convnext"])
def test_any_size_goes_in_and_every_parameter_learns(encoder: str) -> None:
    model = models.create("fpn", num_classes=3, **TINY | {"encoder": encoder})
    assert model.coarse_logits(torch.rand(1, 3, 67, 131))[0].shape == (1, 3, 24, 40)  # padded to 96 x 160
    logits = model(torch.rand(1, 3, 67, 131))
    assert logits.shape == (1, 3, 67, 131)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_every_level_reaches_the_logits() -> None:
    model = models.create("fpn", num_classes=2, **TINY).eval()
    maps = [m.detach().requires_grad_() for m in model.encoder(torch.rand(1, 3, 64, 64))]
    model.encoder.forward = lambda image: maps
    model(torch.rand(1, 3, 64, 64)).square().sum().backward()
    assert all(m.grad is not None and m.grad.abs().sum() > 0 for m in maps)


def test_channels_that_norm_groups_cannot_divide() -> None:
    with pytest.raises(ModelError, match="multiple of 32"):
        models.create("fpn", num_classes=2, decoder_channels=48)


def test_an_encoder_without_a_pyramid() -> None:
    with torch.device("meta"), pytest.raises(ModelError, match="one for each of 4, 8, 16, 32"):
        models.create("fpn", num_classes=2, encoder="test_vit")


def test_weights_of_segmentation_models_pytorch_give_the_same_logits() -> None:
    import_timm()
    smp = pytest.importorskip("segmentation_models_pytorch")
    theirs = smp.FPN("resnext50_32x4d", encoder_weights=None, classes=8).eval()
    ours = models.create("fpn", num_classes=8).eval()
    names = {"encoder.model.": "encoder.", "head.1.": "segmentation_head.0."}
    names |= {f"lateral.{i}.": f"decoder.p{i + 2}.skip_conv." for i in range(3)} | {"lateral.3.": "decoder.p5."}
    names |= {f"branches.{i}.": f"decoder.seg_blocks.{3 - i}." for i in range(4)}
    state = {"mean": ours.mean, "std": ours.std}
    for here, there in names.items():
        keys = [k for k in ours.state_dict() if k.startswith(here)]
        values = [v for k, v in theirs.state_dict().items() if k.startswith(there)]
        state |= dict(zip(keys, values, strict=True))
    ours.load_state_dict(state)
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        expected = theirs((image - ours.mean) / ours.std)
        torch.testing.assert_close(ours(image), expected, rtol=1e-4, atol=1e-4 * float(expected.std()))
