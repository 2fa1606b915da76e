import pytest
import torch

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models._transfer import freeze, start_encoder_from, start_from

ARGUMENTS = {"width": 0.25}


def network(classes):
    return models.create("fast_scnn", num_classes=classes, **ARGUMENTS)


def test_the_same_classes_take_everything():
    ours, theirs = network(3), network(3)
    transfer = start_from(ours, ARGUMENTS, theirs.state_dict(), ["a", "b", "c"], ["a", "b", "c"])
    assert not transfer.new
    assert transfer.classes is None
    image = torch.rand(1, 3, 32, 32)
    assert torch.equal(ours.eval()(image), theirs.eval()(image))


def test_rows_of_every_head_are_matched_by_name_even_when_the_count_is_equal():
    ours, theirs = network(3), network(3)
    before = {k: v.clone() for k, v in ours.state_dict().items()}
    transfer = start_from(ours, ARGUMENTS, theirs.state_dict(), ["road", "sky", "new"], ["sky", "tree", "road"])
    assert transfer.classes == ["road", "sky"]
    for key in ("head.3.weight", "head.3.bias", "aux_head.2.weight"):
        mine, given = ours.state_dict()[key], theirs.state_dict()[key]
        assert torch.equal(mine[0], given[2])
        assert torch.equal(mine[1], given[0])
        assert torch.equal(mine[2], before[key][2])
    text = transfer.describe(["road", "sky", "new"])
    assert "by name: road, sky" in text
    assert "classes that start anew: new" in text


def test_another_number_of_classes():
    ours, theirs = network(2), network(19)
    transfer = start_from(ours, ARGUMENTS, theirs.state_dict(), ["road", "rest"], [*"abcdefghijklmnopqr", "road"])
    assert transfer.classes == ["road"]
    assert torch.equal(ours.head[3].weight[0], theirs.head[3].weight[18])


def test_weights_of_something_else_are_refused():
    with pytest.raises(ModelError, match="0% of the parameters of FastSCNN.*What fits: nothing.*not in the weights"):
        start_from(network(2), ARGUMENTS, {"x": torch.ones(1)}, ["a", "b"], ["a", "b"])


def test_statistics_counters_and_normalization_are_no_fit():
    """BatchNorm's counters and the mean of images have the same names and shapes in many architectures."""
    state = {k: v for k, v in network(3).state_dict().items() if v.ndim == 0 or k in {"mean", "std"}}
    ours = network(3)
    before = {k: v.clone() for k, v in ours.state_dict().items()}
    with pytest.raises(ModelError, match="0% of the parameters"):
        start_from(ours, ARGUMENTS, state, ["a", "b", "c"], ["a", "b", "c"])
    assert all(torch.equal(before[k], v) for k, v in ours.state_dict().items())


def test_another_width_is_refused_and_says_what_differs():
    wide = models.create("fast_scnn", num_classes=3, width=0.5)
    with pytest.raises(ModelError, match=r"at least 50% must.*weight is \(.*in the weights \("):
        start_from(network(3), ARGUMENTS, wide.state_dict(), ["a", "b", "c"], ["a", "b", "c"])


def test_the_head_of_other_classes_does_not_count_against_the_weights():
    ours, theirs = network(2), network(200)
    transfer = start_from(ours, ARGUMENTS, theirs.state_dict(), ["a", "b"], [str(i) for i in range(200)])
    assert transfer.classes == []
    assert not any(key.endswith("num_batches_tracked") for key in transfer.kept)


@pytest.mark.parametrize("encoder", ["resnet50", "mobilenetv2_035"])
def test_an_encoder_of_another_kind_is_refused_and_stays_as_it_was(encoder):
    classifier = models.create("classifier", num_classes=4, encoder="resnet18")
    segmenter = models.create("fpn", num_classes=3, encoder=encoder, pyramid_channels=32, decoder_channels=32)
    before = {k: v.clone() for k, v in segmenter.state_dict().items()}
    with pytest.raises(ModelError, match="% of the encoder's parameters.*at least 50% must.*What fits.*What doesn't"):
        start_encoder_from(segmenter, classifier.state_dict())
    assert all(torch.equal(before[k], v) for k, v in segmenter.state_dict().items())


@pytest.mark.parametrize("encoder", ["resnet18", "mobilenetv2_035", "convnext_atto"])
def test_a_classifier_starts_an_encoder(encoder):
    classifier = models.create("classifier", num_classes=4, encoder=encoder)
    segmenter = models.create("fpn", num_classes=3, encoder=encoder, pyramid_channels=32, decoder_channels=32)
    transfer = start_encoder_from(segmenter, classifier.state_dict())
    weights = sum(v.numel() for k, v in classifier.state_dict().items())
    kept = sum(segmenter.encoder.state_dict()[k].numel() for k in transfer.kept)
    assert kept > 0.6 * weights
    assert not transfer.new


def test_frozen_parts_keep_weights_and_statistics():
    model = network(3)
    freeze(model, ["downsample"])
    before = {k: v.clone() for k, v in model.downsample.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    head = model.head[3].weight.clone()
    model.train()
    sum(o.square().sum() for o in model.coarse_logits(torch.rand(2, 3, 64, 64))).backward()
    optimizer.step()
    after = model.downsample.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert not torch.equal(head, model.head[3].weight)


def test_freezing_what_isnt_there():
    with pytest.raises(ModelError, match='no part "downsampel" to freeze.*Did you mean "downsample"'):
        freeze(network(2), ["downsampel"])
