import pytest
import torch
from torch import nn

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import model_cost
from sceneseg.models.pidnet import PAPPM, Fusion, LightFusion, PixelAttention


def tiny(**arguments: object) -> SegmentationModel:
    torch.manual_seed(1)
    return models.create("pidnet", num_classes=3, width=8, **arguments)


def parameters(**arguments: object) -> int:
    with torch.device("meta"):
        model = models.create("pidnet", num_classes=19, **arguments)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("variant", "at_inference", "in_training"),
    [("s", 7_625_715, 7_720_935), ("m", 28_538_515, 28_763_111), ("l", 36_939_571, 37_314_311)],
)
def test_has_the_parameters_of_the_authors_model(variant: str, at_inference: int, in_training: int) -> None:
    assert parameters(variant=variant, aux=False) == at_inference
    assert parameters(variant=variant, boundary=True) == in_training


@pytest.mark.slow
def test_costs_what_the_authors_model_costs() -> None:
    assert model_cost("pidnet", 19, (1024, 2048)).gmacs == pytest.approx(47.2, abs=0.05)


@pytest.mark.parametrize("variant", ["s", "l"])
def test_trains_on_one_image_of_odd_size(variant: str) -> None:
    model = tiny(variant=variant)
    image = torch.rand(1, 3, 67, 131)  # the mean of the pyramid is a single value then
    logits = model.coarse_logits(image)
    assert [tuple(x.shape) for x in logits] == [(1, 3, 9, 17)] * 2
    sum(x.square().mean() for x in logits).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(image).shape == (1, 3, 67, 131)
    assert len(model.coarse_logits(image)) == 1


@pytest.mark.parametrize("aux", [False, True])
def test_a_boundary_head_adds_an_output_in_training_and_changes_no_other(aux: bool) -> None:
    model, without = tiny(aux=aux, boundary=True), tiny(aux=aux)
    loaded = without.load_state_dict(model.state_dict(), strict=False)
    assert all(key.startswith("boundary_head") for key in loaded.unexpected_keys)
    assert not loaded.missing_keys
    image = torch.rand(2, 3, 64, 96)
    assert torch.equal(model.eval()(image), without.eval()(image))
    assert len(model.coarse_logits(image)) == 1
    outputs, expected = model.train().coarse_logits(image), without.train().coarse_logits(image)
    assert all(torch.equal(a, b) for a, b in zip(outputs[:-1], expected, strict=True))
    assert outputs[-1].shape == (2, 1, 8, 12)
    assert (model.extra_heads, without.extra_heads) == (("boundary",), ())


def test_a_boundary_loss_trains_the_boundary_branch_alone() -> None:
    model = tiny(boundary=True)
    model.coarse_logits(torch.rand(2, 3, 64, 64))[-1].square().mean().backward()
    trained = {name.partition(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert trained == {
        *("stem", "context3", "context4"),
        *("boundary3", "difference3", "boundary4", "difference4", "boundary_head"),
    }


def test_pixel_attention_takes_the_context_where_both_agree() -> None:
    attention = PixelAttention(4, 4, 1).eval()
    for conv in (attention.compress, attention.query, attention.key):
        nn.init.constant_(conv[0].weight, 100.0)
    detail = torch.ones(1, 4, 2, 2)
    detail[..., 0] = -1
    context = torch.ones(1, 4, 1, 1)
    merged = attention(detail, context)
    assert torch.allclose(merged[..., 1], attention.compress(context)[..., 0].expand(1, 4, 2))
    assert torch.allclose(merged[..., 0], detail[..., 0])


def test_at_a_boundary_detail_counts_and_elsewhere_context() -> None:
    torch.manual_seed(0)
    detail, context = torch.rand(1, 4, 6, 6, requires_grad=True), torch.rand(1, 4, 6, 6, requires_grad=True)
    fusion = Fusion(4).eval()
    for edge, used, unused in [(50.0, detail, context), (-50.0, context, detail)]:
        merged = fusion(detail, context, torch.full_like(detail, edge))
        a, b = torch.autograd.grad(merged.square().sum(), [used, unused])
        assert a.abs().max() > 0
        assert b.abs().max() < 1e-12


def test_light_fusion_adds_each_branch_to_itself_where_the_other_is_weak() -> None:
    torch.manual_seed(0)
    detail, context = torch.rand(2, 4, 6, 6), torch.rand(2, 4, 6, 6)
    fusion = LightFusion(4).eval()
    at_edge = fusion(detail, context, torch.full_like(detail, 50.0))
    elsewhere = fusion(detail, context, torch.full_like(detail, -50.0))
    assert torch.allclose(at_edge, fusion.detail(detail) + fusion.context(context + detail))
    assert torch.allclose(elsewhere, fusion.detail(context + detail) + fusion.context(context))


def test_scales_of_the_parallel_pyramid_do_not_mix_before_the_end() -> None:
    pyramid = PAPPM(4, 2, 4).eval()
    x = torch.rand(1, 8, 5, 5, requires_grad=True)  # four scales of two channels
    (gradient,) = torch.autograd.grad(pyramid.refine(x)[:, 2:4].sum(), x)
    assert gradient[:, 2:4].abs().max() > 0
    assert gradient[:, [0, 1, 4, 5, 6, 7]].abs().max() == 0


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(ModelError, match='no PIDNet variant "xl". Did you mean "l"'):
        tiny(variant="xl")
