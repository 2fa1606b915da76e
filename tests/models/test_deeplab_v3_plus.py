import pytest
import torch

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models.layers import ASPP, PooledNorm

TINY = {"encoder": "resnet18", "decoder_channels": 8, "low_level_channels": 4}
LOW_LEVEL = (256 - 128) * 48  # jfzhang95 takes 128 channels of Xception to the decoder, the authors 256


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ({}, 2_719_299),
        ({"separable": False}, 5_815_539),  # jfzhang95/pytorch-deeplab-xception
        ({"separable": False, "decoder_convs": 1}, 5_225_203),  # VainF/DeepLabV3Plus-Pytorch
        ({"separable": False, "decoder_convs": 1, "encoder": "resnet50"}, 39_761_331),  # VainF
        ({"separable": False, "decoder_convs": 1, "encoder": "resnet101"}, 58_753_459),  # VainF
        ({"separable": False, "encoder": "xception"}, 54_704_803 + LOW_LEVEL),  # jfzhang95
    ],
)
def test_has_the_parameters_of_the_reference(arguments: dict, parameters: int) -> None:
    with torch.device("meta"):
        model = models.create("deeplab_v3_plus", num_classes=19, **arguments)
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_separable_xception_is_that_of_the_authors() -> None:
    with torch.device("meta"):
        model = models.create("deeplab_v3_plus", num_classes=21, encoder="xception65")
    statistics = sum(v.numel() for k, v in model.state_dict().items() if "running" in k)
    # Keras counts running statistics as parameters; bonlime/keras-deeplab-v3-plus holds the authors' weights
    assert sum(p.numel() for p in model.parameters()) + statistics == 41_258_213


@pytest.mark.parametrize(("output_stride", "separable"), [(8, True), (16, False), (32, True)])
def test_a_batch_of_one_of_any_size_can_be_trained_on(output_stride: int, separable: bool) -> None:
    model = models.create("deeplab_v3_plus", num_classes=3, output_stride=output_stride, separable=separable, **TINY)
    (coarse,) = model.coarse_logits(torch.rand(1, 3, 67, 131))
    assert coarse.shape == (1, 3, *(size // 4 for size in model.padded_size(67, 131)))
    coarse.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(torch.rand(2, 3, 67, 131)).shape == (2, 3, 67, 131)


def test_output_stride_changes_dilation_and_not_weights() -> None:
    with torch.device("meta"):
        made = [models.create("deeplab_v3_plus", num_classes=2, output_stride=s, **TINY) for s in (8, 16, 32)]
    shapes = [{k: v.shape for k, v in model.state_dict().items()} for model in made]
    assert shapes[0] == shapes[1] == shapes[2]
    rates = [[branch[0][0].dilation[0] for branch in model.aspp.atrous] for model in made]
    assert rates == [[12, 24, 36], [6, 12, 18], [3, 6, 9]]


@pytest.mark.parametrize("name", ["MobileNet_V2", "xception"])
def test_the_papers_encoders_under_the_names_people_use(name: str) -> None:
    with torch.device("meta"):
        model = models.create("deeplab_v3_plus", num_classes=2, encoder=name)
    assert model.encoder.name in {"mobilenetv2_100", "xception65"}


def test_aspp_adds_the_whole_image_to_every_pixel() -> None:
    aspp = ASPP(4, 8, (1, 2, 3)).eval()
    x = torch.rand(1, 4, 12, 12, requires_grad=True)
    aspp(x)[0, :, 0, 0].sum().backward()
    assert (x.grad != 0).any(1).all()  # the convolutions see 4 pixels far, the average all


def test_one_pooled_value_is_normalized_by_the_running_statistics() -> None:
    norm = PooledNorm(3)
    norm.running_mean.fill_(2.0)
    norm.running_var.fill_(4.0)
    x = torch.rand(1, 3, 1, 1)
    torch.testing.assert_close(norm(x), (x - 2) / 2, rtol=1e-4, atol=1e-5)
    assert norm.running_mean.tolist() == [2, 2, 2]
    pair = torch.rand(2, 3, 1, 1)
    torch.testing.assert_close(norm(pair), torch.nn.BatchNorm2d(3)(pair))
    assert norm.running_mean.max() < 2  # now they moved


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decoder_convs": 0}, "at least 1, not 0"),
        ({"output_stride": 12}, "8, 16 or 32, not 12"),
        ({"encoder": "vgg11"}, "can't dilate"),
    ],
)
def test_wrong_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        models.create("deeplab_v3_plus", num_classes=2, **arguments)
