import pytest
import torch

from sceneseg import models
from sceneseg.errors import UnknownNameError
from sceneseg.models.bisenet_v1 import AttentionRefinement
from sceneseg.models.cost import model_cost

TINY = {"encoder": "test_resnet", "decoder_channels": 8}


def test_has_the_parameters_of_the_reference() -> None:
    cost = model_cost("bisenet_v1", 19, (64, 128))
    assert (cost.parameters, cost.parameters_training) == (13_275_539, 13_425_721)  # CoinCheung/BiSeNet
    assert cost.output_stride == 8


@pytest.mark.parametrize("aux", [True, False])
def test_a_batch_of_one_of_any_size_can_be_trained_on(aux: bool) -> None:
    model = models.create("bisenet_v1", num_classes=3, aux=aux, **TINY)
    coarse = model.coarse_logits(torch.rand(1, 3, 67, 131))
    shapes = [(1, 3, 12, 20), (1, 3, 12, 20), (1, 3, 6, 10)]  # padded to 96 x 160
    assert [tuple(x.shape) for x in coarse] == (shapes if aux else shapes[:1])
    sum(x.square().sum() for x in coarse).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(torch.rand(2, 3, 67, 131)).shape == (2, 3, 67, 131)
    assert len(model.coarse_logits(torch.rand(1, 3, 64, 64))) == 1


def test_attention_is_one_weight_for_each_channel_of_an_image() -> None:
    refine = AttentionRefinement(4, 6).eval()
    x = torch.rand(2, 4, 8, 8)
    plain = refine.conv(x)
    weight = refine(x)[plain > 0] / plain[plain > 0]
    assert weight.min() > 0
    assert weight.max() < 1
    ratio = torch.where(plain > 0, refine(x) / plain.clamp(min=1e-9), torch.nan).flatten(2)
    spread = ratio.nan_to_num(-1).amax(2) - ratio.nan_to_num(2).amin(2)
    assert spread[ratio.isfinite().any(2)].max() < 1e-4


def test_an_unknown_encoder() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean"):
        models.create("bisenet_v1", num_classes=2, encoder="resnet-18")
