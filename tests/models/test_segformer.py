import pytest
import torch
from torch import nn

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import model_cost
from sceneseg.models.segformer import DropPath, MixFeedForward, ReducedAttention

NEVER_CALLED = 128 * 19 + 19
"""Parameters of a convolution that NVlabs/SegFormer's framework adds and nobody calls."""


def tiny(**arguments: object) -> SegmentationModel:
    torch.manual_seed(1)
    return models.create("segformer", num_classes=3, width=4, **arguments)


@pytest.mark.parametrize(
    ("variant", "official"),
    [
        *(("b0", 3_721_478), ("b1", 13_684_582), ("b2", 27_363_686)),
        *(("b3", 47_239_526), ("b4", 64_010_086), ("b5", 84_610_406)),
    ],
)
def test_has_the_parameters_of_the_authors_model_that_are_used(variant: str, official: int) -> None:
    with torch.device("meta"):
        model = models.create("segformer", num_classes=19, variant=variant)
    assert sum(p.numel() for p in model.parameters()) == official - NEVER_CALLED


def test_costs_what_the_header_says() -> None:
    assert model_cost("segformer", 19, (1024, 2048)).gmacs == pytest.approx(121.0, abs=0.05)


def test_trains_on_one_image_of_odd_size() -> None:
    model = tiny(drop_path=0.0)
    image = torch.rand(1, 3, 67, 131)
    (logits,) = model.coarse_logits(image)
    assert logits.shape == (1, 3, 24, 40)
    logits.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(image).shape == (1, 3, 67, 131)


def test_without_reduction_attention_is_torchs() -> None:
    torch.manual_seed(0)
    ours, theirs = ReducedAttention(12, 3, 1), nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.in_proj_weight.data = torch.cat([ours.query.weight, ours.key_value.weight])
    theirs.in_proj_bias.data = torch.cat([ours.query.bias, ours.key_value.bias])
    theirs.out_proj = ours.project
    x = torch.randn(2, 4, 5, 12)
    tokens = x.flatten(1, 2)
    expected, _ = theirs(tokens, tokens, tokens)
    assert torch.allclose(ours(x).flatten(1, 2), expected, atol=1e-6)


def test_reduction_keeps_what_a_patch_as_a_whole_says() -> None:
    torch.manual_seed(0)
    attention = ReducedAttention(8, 2, 4)
    attention.reduce.weight.data = torch.eye(8)[:, :, None, None].expand(8, 8, 4, 4) / 16  # the mean of a patch
    x = torch.randn(1, 8, 8, 8)
    shuffled = x.clone()
    shuffled[:, :4, :4] = x[:, :4, :4].flip(1, 2)  # within the first patch
    assert torch.allclose(attention(shuffled)[:, 4:], attention(x)[:, 4:], atol=1e-6)


def test_padding_tells_where_a_token_is() -> None:
    torch.manual_seed(0)
    y = MixFeedForward(4)(torch.ones(1, 5, 5, 4))
    assert torch.allclose(y[:, 1:-1, 1:-1], y[:, 2:3, 2:3].expand(-1, 3, 3, -1))
    assert (y[0, 0, 0] - y[0, 2, 2]).abs().max() > 1e-3


def test_drop_path_skips_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    drop, x = DropPath(0.25), torch.ones(4000, 2, 3)
    y = drop(x)
    per_sample = y.flatten(1)
    assert per_sample.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (per_sample == per_sample[:, :1]).all()
    assert y.mean() == pytest.approx(1, abs=0.05)
    assert drop.eval()(x) is x


def test_deeper_blocks_are_skipped_more_often() -> None:
    model = tiny(variant="b2", drop_path=0.3)
    rates = [block.drop_path.probability for stage in model.encoder for block in stage.blocks]
    assert rates == pytest.approx([0.3 * i / 15 for i in range(16)])


def test_an_unknown_variant_is_answered_with_a_suggestion() -> None:
    with pytest.raises(ModelError, match='no SegFormer variant "b55". Did you mean "b5"'):
        tiny(variant="b55")
