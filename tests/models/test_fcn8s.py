import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models.fcn8s import Doubling, FCN8s


@pytest.fixture(scope="module")
def tiny() -> FCN8s:
    return models.create("fcn8s", num_classes=3, encoder="vgg11", decoder_channels=16)


@pytest.mark.parametrize(("classes", "reference"), [(21, 134_489_759), (19, 134_456_985)])
def test_has_the_parameters_of_the_reference(classes: int, reference: int) -> None:
    with torch.device("meta"):
        model = models.create("fcn8s", num_classes=classes)
    fixed = classes**2 * 16**2  # wkentaro/pytorch-fcn counts its last upsampling, which is never trained
    assert sum(p.numel() for p in model.parameters()) == reference - fixed


def test_any_size_goes_in_and_every_parameter_learns(tiny: FCN8s) -> None:
    (coarse,) = tiny.train().coarse_logits(torch.rand(1, 3, 67, 131))
    assert coarse.shape == (1, 3, 12, 20)  # padded to 96 x 160
    coarse.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in tiny.parameters())
    with torch.no_grad():
        assert tiny.eval()(torch.rand(1, 3, 67, 131)).shape == (1, 3, 67, 131)


def test_doubling_starts_as_interpolation() -> None:
    doubling = Doubling(3)
    doubling.interpolate()
    x = torch.rand(2, 3, 6, 9)
    expected = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(doubling(x)[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
    assert doubling.weight.requires_grad


def test_the_classifier_of_a_whole_vgg_moves_to_fc6_and_fc7(tiny: FCN8s) -> None:
    layers = nn.ModuleDict({"fc1": nn.Conv2d(512, 16, 7), "fc2": nn.Conv2d(16, 16, 1)})
    tiny.take_classifier(nn.ModuleDict({"pre_logits": layers}))
    assert torch.equal(tiny.fc6.weight, layers["fc1"].weight)
    assert torch.equal(tiny.fc7.bias, layers["fc2"].bias)


def test_another_encoder_than_vgg() -> None:
    with pytest.raises(ModelError, match='not on "resnet50"'):
        models.create("fcn8s", num_classes=2, encoder="resnet50")
