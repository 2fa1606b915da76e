import pytest
import torch

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import model_cost

NEVER_CALLED = 512 * 19 + 19
"""Parameters of a convolution that fudan-zvg/SETR's framework adds to each head and nobody calls."""


def tiny(**arguments: object) -> SegmentationModel:
    torch.manual_seed(1)
    small = {"variant": "tiny", "image_size": 64, "embed_dim": 24, "depth": 6, "heads": 2, "channels": 8}
    return models.create("setr", num_classes=3, **small | arguments)


def parameters(**arguments: object) -> int:
    with torch.device("meta"):
        model = models.create("setr", num_classes=19, **arguments)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("decoder", "official", "official_aux", "aux_heads"),
    [
        ("naive", 305_737_766, 838_770, 3),
        ("pup", 309_606_694, 9_506_968, 4),
        ("mla", 310_747_174, 58_444, 4),
    ],
)
def test_has_the_parameters_of_the_authors_model_that_are_used(
    decoder: str, official: int, official_aux: int, aux_heads: int
) -> None:
    at_inference = parameters(decoder=decoder, aux=False)
    assert at_inference == official - NEVER_CALLED
    assert parameters(decoder=decoder) - at_inference == official_aux - aux_heads * NEVER_CALLED


def test_costs_what_the_header_says() -> None:
    assert model_cost("setr", 19, (1024, 2048)).gmacs == pytest.approx(6208, abs=0.5)


@pytest.mark.parametrize(("decoder", "stride", "aux_heads"), [("naive", 16, 3), ("pup", 2, 4), ("mla", 4, 4)])
def test_trains_on_one_image_of_odd_size(decoder: str, stride: int, aux_heads: int) -> None:
    model = tiny(decoder=decoder)
    image = torch.rand(1, 3, 67, 131)  # padded to 80 x 144
    logits = model.coarse_logits(image)
    assert logits[0].shape == (1, 3, 80 // stride, 144 // stride)
    assert [tuple(x.shape) for x in logits[1:]] == [(1, 3, 5, 9)] * aux_heads
    sum(x.square().mean() for x in logits).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(image).shape == (1, 3, 67, 131)
    assert len(model.coarse_logits(image)) == 1


@pytest.mark.parametrize(
    ("decoder", "depth", "layers"),
    [
        *(("pup", 24, [10, 15, 20, 24]), ("mla", 24, [6, 12, 18, 24])),
        *(("pup", 12, [5, 8, 10, 12]), ("mla", 12, [3, 6, 9, 12]), ("naive", 2, [1, 2, 2, 2])),
    ],
)
def test_looks_at_the_papers_layers(decoder: str, depth: int, layers: list[int]) -> None:
    with torch.device("meta"):
        model = tiny(decoder=decoder, depth=depth)
    assert [tap + 1 for tap in model.encoder.taps] == layers


def test_gives_the_layers_in_the_order_of_the_taps() -> None:
    encoder = tiny(depth=4).eval().encoder
    image = torch.randn(1, 3, 64, 64)
    x = encoder.vit._pos_embed(encoder.vit.patch_embed(image))
    maps = encoder(image)
    for i, block in enumerate(encoder.vit.blocks):
        x = block(x)
        for tap, features in zip(encoder.taps, maps, strict=True):
            if tap == i:
                assert torch.allclose(features.flatten(1, 2), x[:, 1:], atol=1e-6)
    assert encoder.taps == [1, 2, 3, 3]


def test_multi_level_aggregation_flows_from_deep_to_shallow() -> None:
    decoder = tiny(decoder="mla").decoder
    layers = [torch.randn(2, 4, 4, 24, requires_grad=True) for _ in range(4)]
    aux = decoder(layers)[1:]
    for i, logits in enumerate(aux):
        gradients = torch.autograd.grad(logits.square().sum(), layers, retain_graph=True, allow_unused=True)
        assert [g is not None for g in gradients] == [j >= i for j in range(4)]


def test_without_auxiliary_heads_there_is_one_output() -> None:
    for decoder in ("naive", "pup", "mla"):
        assert len(tiny(decoder=decoder, aux=False).coarse_logits(torch.rand(1, 3, 32, 32))) == 1


def test_an_unknown_decoder_is_answered_with_a_suggestion() -> None:
    with pytest.raises(ModelError, match='no SETR decoder "pub". Did you mean "pup"'):
        tiny(decoder="pub")
