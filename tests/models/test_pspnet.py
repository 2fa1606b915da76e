import pytest
import torch

from sceneseg import models
from sceneseg.models.cost import model_cost
from sceneseg.models.layers import PyramidPooling


def test_has_the_parameters_of_the_reference() -> None:
    cost = model_cost("pspnet", 19, (64, 128))
    assert (cost.parameters, cost.parameters_training) == (46_715_347, 49_080_038)  # hszhao/semseg
    assert cost.output_stride == 8


@pytest.mark.parametrize("output_stride", [8, 16, 32])
def test_a_batch_of_one_of_any_size_can_be_trained_on(output_stride: int) -> None:
    model = models.create("pspnet", num_classes=3, encoder="resnet18", output_stride=output_stride, decoder_channels=16)
    coarse = model.coarse_logits(torch.rand(1, 3, 67, 131))
    main, aux = ((1, 3, *(size // min(s, output_stride) for size in model.padded_size(67, 131))) for s in (32, 16))
    assert [tuple(x.shape) for x in coarse] == [main, aux]
    sum(x.square().sum() for x in coarse).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(torch.rand(2, 3, 67, 131)).shape == (2, 3, 67, 131)
    assert len(model.coarse_logits(torch.rand(1, 3, 64, 64))) == 1


def test_output_stride_changes_no_weight() -> None:
    with torch.device("meta"):
        states = [
            models.create("pspnet", num_classes=2, encoder="resnet18", output_stride=s).state_dict()
            for s in (8, 16, 32)
        ]
    shapes = [{k: v.shape for k, v in state.items()} for state in states]
    assert shapes[0] == shapes[1] == shapes[2]


def test_pooling_sees_the_whole_scene() -> None:
    pooling = PyramidPooling(8).eval()
    x = torch.rand(1, 8, 12, 18)
    pooled = pooling(x)
    assert torch.equal(pooled[:, :8], x)
    whole = pooling.parts[0](x.mean((2, 3), keepdim=True))
    torch.testing.assert_close(pooled[:, 8:10], whole.expand(1, 2, 12, 18))


def test_without_auxiliary_head() -> None:
    model = models.create("pspnet", num_classes=2, encoder="resnet18", decoder_channels=8, aux=False)
    assert len(model.coarse_logits(torch.rand(1, 3, 64, 64))) == 1
