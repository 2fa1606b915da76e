import pytest
import torch

from sceneseg import models
from sceneseg.errors import ModelError, UnknownNameError
from sceneseg.models._transfer import start_encoder_from


def test_one_row_of_logits_for_each_image_and_every_parameter_learns() -> None:
    model = models.create("classifier", num_classes=5, encoder="test_resnet")
    logits = model(torch.rand(2, 3, 67, 131))
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_resnet_50_is_the_default() -> None:
    with torch.device("meta"):
        model = models.create("classifier", num_classes=19)
    assert sum(p.numel() for p in model.parameters()) == 25_557_032 - (2048 + 1) * (1000 - 19)  # of ImageNet's


def test_normalizes_inside() -> None:
    model = models.create("classifier", num_classes=2, encoder="test_resnet").eval()
    image = torch.rand(1, 3, 64, 64)
    logits = model(image)
    torch.testing.assert_close(logits, model.network((image - model.mean) / model.std))
    model.mean.add_(0.2)
    assert not torch.allclose(logits, model(image))


def test_other_channels() -> None:
    model = models.create("classifier", num_classes=2, in_channels=5, encoder="test_resnet")
    assert model(torch.rand(2, 5, 64, 64)).shape == (2, 2)
    with pytest.raises(ModelError, match="takes 5 channels, the image has 3"):
        model(torch.rand(2, 3, 64, 64))


def test_a_network_of_one_size_says_which() -> None:
    model = models.create("classifier", num_classes=2, encoder="vit_tiny_patch16_224").eval()
    assert model(torch.rand(1, 3, 224, 224)).shape == (1, 2)
    with pytest.raises(ModelError, match=r"224 x 224 pixels, found 64 x 96.*target_size"):
        model(torch.rand(1, 3, 64, 96))


def test_an_unknown_network() -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "resnet50"'):
        models.create("classifier", num_classes=2, encoder="resnet5O")


def test_hrnet_classifies_with_its_own_head() -> None:
    with torch.device("meta"):
        model = models.create("classifier", num_classes=7, encoder="hrnet", variant="w18-small-v1")
        segmenter = models.create("hrnet", num_classes=19, variant="w18-small-v1")
        assert model(torch.empty(2, 3, 64, 96)).shape == (2, 7)
    backbone = model.network.get_submodule("backbone").state_dict()
    assert {k: v.shape for k, v in backbone.items()} == {
        k: v.shape for k, v in segmenter.get_submodule("backbone").state_dict().items()
    }


def test_arguments_without_effect_are_refused() -> None:
    with pytest.raises(ModelError, match="hrnet has no dropout"):
        models.create("classifier", num_classes=2, encoder="hrnet", dropout=0.1)
    with pytest.raises(ModelError, match="A network of timm has no variants"):
        models.create("classifier", num_classes=2, variant="w18")
    with pytest.raises(ModelError, match="erfnet has no variants"):
        models.create("classifier", num_classes=2, encoder="erfnet", variant="w18")
    with pytest.raises(ModelError, match="timm has no weights of ddrnet"):
        models.create("classifier", num_classes=2, encoder="ddrnet", pretrained=True)


SMALL_ONES = ["fast_scnn", "ddrnet", "bisenet_v2", "erfnet", "espnet_v2", "segformer", "pidnet"]


@pytest.mark.parametrize("name", SMALL_ONES)
def test_an_architecture_of_the_shelf_classifies_and_starts_itself(name) -> None:
    torch.manual_seed(0)
    classifier = models.create("classifier", num_classes=5, encoder=name)
    logits = classifier(torch.rand(2, 3, 64, 96))
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert not [key for key, p in classifier.named_parameters() if p.grad is None]

    segmenter = models.create(name, num_classes=5)  # as many classes: they are others all the same
    heads = {key: value.clone() for key, value in segmenter.state_dict().items() if value.shape[:1] == (5,)}
    transfer = start_encoder_from(segmenter, classifier.state_dict())
    assert len(transfer.kept) > 3 * len(transfer.new)
    state = classifier.network.get_submodule("model").state_dict()
    part = "encoder." if name in {"segformer", "erfnet"} else ""
    assert all(torch.equal(segmenter.state_dict()[part + key], state[part + key]) for key in transfer.kept)
    assert all(torch.equal(segmenter.state_dict()[key], value) for key, value in heads.items())
    assert torch.equal(segmenter.mean, classifier.mean)


def test_hrnet_as_a_classifier_starts_both_segmenters() -> None:
    torch.manual_seed(0)
    classifier = models.create("classifier", num_classes=7, encoder="hrnet", variant="w18-small-v1")
    for name in ("hrnet", "ocrnet"):
        segmenter = models.create(name, num_classes=3, variant="w18-small-v1")
        transfer = start_encoder_from(segmenter, classifier.state_dict())
        assert not transfer.new
        image = torch.rand(1, 3, 64, 64)
        ours, theirs = segmenter.eval().get_submodule("backbone"), classifier.eval().network.get_submodule("backbone")
        for a, b in zip(ours(image), theirs(image), strict=True):
            assert torch.equal(a, b)
