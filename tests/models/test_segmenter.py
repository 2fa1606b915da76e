import pytest
import torch
from torch import nn

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models import _transformer
from sceneseg.models._timm import create_timm
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import model_cost

SMALL = {"variant": "tiny", "image_size": 64, "embed_dim": 24, "depth": 2, "heads": 2}


def tiny(**arguments: object) -> SegmentationModel:
    torch.manual_seed(1)
    return models.create("segmenter", num_classes=3, **SMALL | arguments)


@pytest.mark.parametrize(
    ("variant", "decoder", "official", "embed_dim"),
    [
        *(("tiny", "mask", 7_126_734, 192), ("small", "mask", 26_859_918, 384)),
        *(("base", "mask", 104_148_750, 768), ("large", "mask", 334_845_966, 1024)),
        *(("tiny", "linear", 6_125_819, 192), ("small", "linear", 22_867_451, 384)),
        *(("base", "linear", 88_201_211, 768), ("large", "linear", 306_504_699, 1024)),
    ],
)
def test_has_the_authors_parameters_less_the_imagenet_head(
    variant: str, decoder: str, official: int, embed_dim: int
) -> None:
    with torch.device("meta"):
        model = models.create("segmenter", num_classes=19, variant=variant, decoder=decoder)
    assert sum(p.numel() for p in model.parameters()) == official - (1000 * embed_dim + 1000)


def test_costs_what_the_authors_model_costs() -> None:
    assert model_cost("segmenter", 19, (768, 768), variant="tiny").gmacs == pytest.approx(43.4, abs=0.05)


@pytest.mark.parametrize("decoder", ["mask", "linear"])
def test_trains_on_one_image_of_odd_size(decoder: str) -> None:
    model = tiny(decoder=decoder, drop_path=0.0)
    image = torch.rand(1, 3, 67, 131)
    (logits,) = model.coarse_logits(image)
    assert logits.shape == (1, 3, 5, 9)
    (logits * torch.rand_like(logits)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(image).shape == (1, 3, 67, 131)


def test_at_its_own_size_the_encoder_is_timms_network() -> None:
    model = tiny().eval()
    vit = model.encoder.vit
    image = torch.randn(2, 3, 64, 64)
    (features,) = model.encoder(image)
    assert torch.allclose(features.flatten(1, 2), vit.forward_features(image)[:, 1:], atol=1e-6)


def test_position_embeddings_stretch_with_the_image() -> None:
    encoder = tiny().encoder
    vit = encoder.vit
    vit.pos_embed.data[:, 1:] = torch.arange(4.0)[None, :, None].expand(4, 4, 24).reshape(1, 16, 24)  # left to right
    nn.init.zeros_(vit.patch_embed.proj.weight)
    nn.init.zeros_(vit.patch_embed.proj.bias)
    vit.blocks, vit.norm = nn.Sequential(nn.Identity(), nn.Identity()), nn.Identity()
    (positions,) = encoder(torch.rand(1, 3, 32, 128))
    assert positions.shape == (1, 2, 8, 24)
    assert (positions.diff(dim=2) > 0).all()
    assert torch.allclose(positions[:, 0], positions[:, 1], atol=1e-5)


def test_likeness_does_not_depend_on_length() -> None:
    decoder = tiny().eval().decoder
    features = torch.randn(1, 4, 5, 24)
    before = decoder(features)
    assert before.std() > 1e-2
    decoder.project_patches.weight.data *= 5
    decoder.project_classes.weight.data *= 0.2
    assert torch.allclose(decoder(features), before, atol=1e-4)


def test_starts_from_timms_weights_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fake_download(name: str, pretrained: bool, **arguments: object) -> nn.Module:
        asked.append((name, pretrained))
        return create_timm(name, pretrained=False, **arguments)

    monkeypatch.setattr(_transformer, "create_timm", fake_download)
    models.create("segmenter", num_classes=2, variant="tiny", image_size=64, pretrained=True)
    assert asked == [("vit_tiny_patch16_384", True)]


def test_refuses_weights_for_another_network() -> None:
    with pytest.raises(
        ModelError, match="are for the tiny ViT as it is, found another embed_dim and depth and num_heads"
    ):
        tiny(pretrained=True)


def test_images_are_normalized_as_vit_was_trained() -> None:
    assert tiny().prepare(torch.tensor([0.0, 0.5, 1.0]).expand(1, 3, 3))[0, 0].flatten().tolist()[:3] == [-1, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "smal"}, 'no ViT variant "smal". Did you mean "small"'),
        ({"decoder": "masks"}, 'no Segmenter decoder "masks". Did you mean "mask"'),
    ],
)
def test_an_unknown_choice_is_answered_with_a_suggestion(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        tiny(**arguments)


def test_patches_of_the_paper_s_other_size_give_finer_logits() -> None:
    network = tiny(patch_size=8)
    (coarse,) = network.eval().coarse_logits(torch.rand(1, 3, 60, 90))
    assert coarse.shape == (1, 3, 8, 12)
    with pytest.raises(ModelError, match="patch_size"):
        tiny(patch_size=8, pretrained=True, embed_dim=None, depth=None, heads=None)
