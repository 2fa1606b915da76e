import pytest
import torch

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models.fast_fcn import JointPyramidUpsampling

UNUSED_CLASSIFIER = 2048 * 1000 + 1000  # wuhuikai/FastFCN keeps the encoder's ImageNet classifier
AUX_HEAD = 2_364_691
TINY = {"encoder": "test_resnet", "width": 16}


@pytest.mark.parametrize(("head", "reference"), [("fcn", 54_864_315), ("psp", 68_499_899), ("aspp", 61_546_683)])
def test_has_the_parameters_of_the_reference(head: str, reference: int) -> None:
    with torch.device("meta"):
        model = models.create("fast_fcn", num_classes=19, head=head)
    assert sum(p.numel() for p in model.aux_head.parameters()) == AUX_HEAD
    assert sum(p.numel() for p in model.parameters()) == reference - UNUSED_CLASSIFIER + AUX_HEAD


@pytest.mark.parametrize("head", ["fcn", "psp", "aspp"])
def test_a_batch_of_one_of_any_size_can_be_trained_on(head: str) -> None:
    model = models.create("fast_fcn", num_classes=3, head=head, **TINY)
    coarse = model.coarse_logits(torch.rand(1, 3, 67, 131))
    assert [tuple(x.shape) for x in coarse] == [(1, 3, 12, 20), (1, 3, 6, 10)]  # padded to 96 x 160
    sum(x.square().sum() for x in coarse).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(torch.rand(2, 3, 67, 131)).shape == (2, 3, 67, 131)
    assert len(model.coarse_logits(torch.rand(1, 3, 64, 64))) == 1


def test_joint_upsampling_looks_8_pixels_far_on_three_maps() -> None:
    jpu = JointPyramidUpsampling([4, 6, 8], 5).eval()
    maps = [torch.rand(1, c, 64 // s, 64 // s, requires_grad=True) for c, s in ((4, 1), (6, 2), (8, 4))]
    joined = jpu(maps)
    assert joined.shape == (1, 20, 64, 64)
    joined[0, :, 32, 32].sum().backward()
    assert all(m.grad.abs().sum() > 0 for m in maps)
    rows = (maps[0].grad != 0).any(1)[0].any(1).nonzero().flatten()
    assert (rows.min(), rows.max()) == (32 - 9, 32 + 9)  # dilation 8, and 1 of the convolution before


def test_an_unknown_head() -> None:
    with pytest.raises(ModelError, match="FastFCN head"):
        models.create("fast_fcn", num_classes=2, head="encnet", **TINY)
