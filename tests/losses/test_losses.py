"""What every loss on the shelf must do, and what is CrossEntropy's own."""

import pytest
import torch
import torch.nn.functional as F

from sceneseg import losses
from sceneseg.errors import ConfigError, DataError
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.losses import losses as shelf
from sceneseg.losses.cross_entropy import CrossEntropy

CLASSES = 3
VOID = 255

of_classes = [name for name in shelf.names() if losses.heads(shelf.get(name)) == (losses.CLASSES,)]
every_loss = pytest.mark.parametrize("name", of_classes)  # those of other outputs have tests of their own


def case(size=(19, 23), cells=(3, 4)):
    """Logits (2, 3, h, w) in float64, and labels (2, H, W) with void among them and all classes."""
    generator = torch.Generator().manual_seed(0)
    coarse = 2 * torch.randn(2, CLASSES, *cells, dtype=torch.float64, generator=generator)
    labels = torch.randint(0, CLASSES, (2, *size), dtype=torch.uint8, generator=generator)
    labels[0, : size[0] // 3, : size[1] // 2] = VOID
    return coarse.requires_grad_(), labels


def gradient(loss, coarse):
    return torch.autograd.grad(loss, coarse)[0]


@every_loss
def test_gradient(name):
    coarse, labels = case()
    criterion = losses.create(name)
    assert torch.autograd.gradcheck(lambda x: criterion(x, labels), coarse)


@every_loss
@pytest.mark.parametrize("size", [(1, 1), (1, 37), (33, 5), (7, 65)])
def test_odd_sizes(name, size):
    coarse, labels = case(size)
    loss = losses.create(name)(coarse, labels)
    assert loss.shape == ()
    assert loss.isfinite()
    assert gradient(loss, coarse).isfinite().all()


@every_loss
@pytest.mark.parametrize(("extent", "align"), [((24, 32), False), ((24, 32), True), ((19.5, 23.25), False)])
def test_padding_counts_for_nothing(name, extent, align):
    """Coarse logits that cover a padded image lose as much as their crop at full size."""
    coarse, labels = case()
    criterion = losses.create(name)
    loss = criterion(CoarseLogits(coarse, extent, align), labels)
    expected = criterion(CoarseLogits(coarse, extent, align).upsample((19, 23)), labels)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient(loss, coarse), gradient(expected, coarse))


@every_loss
def test_ignored_pixels_have_no_influence(name):
    _, labels = case()
    coarse, _ = case(cells=labels.shape[1:])
    criterion = losses.create(name)
    loss = criterion(coarse, labels)
    slope = gradient(loss, coarse)
    void = (labels == VOID).unsqueeze(1)
    assert (slope[void.expand_as(slope)] == 0).all()
    assert slope.any()
    torch.testing.assert_close(criterion(torch.where(void, 9.0, coarse), labels), loss)


@every_loss
def test_perfect_logits_lose_nothing(name):
    _, labels = case()
    known = torch.where(labels == VOID, 0, labels).long()
    perfect = 60.0 * (2 * F.one_hot(known, CLASSES).permute(0, 3, 1, 2) - 1)
    criterion = losses.create(name)
    assert 0 <= criterion(perfect, labels) < 1e-6
    assert criterion(-perfect, labels) > 0.5


@every_loss
def test_nothing_valid_is_zero_with_zero_gradient(name):
    coarse, labels = case()
    for x in (coarse, coarse.detach().float().requires_grad_()):
        loss = losses.create(name)(x, torch.full_like(labels, VOID))
        assert loss == 0
        assert (gradient(loss, x) == 0).all()


@every_loss
def test_float32_agrees_with_float64(name):
    coarse, labels = case()
    single = coarse.detach().float().requires_grad_()
    criterion = losses.create(name)
    loss, expected = criterion(single, labels), criterion(coarse, labels)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient(loss, single).double(), gradient(expected, coarse), rtol=1e-4, atol=1e-6)


@every_loss
def test_unknown_labels_are_refused(name):
    coarse, labels = case()
    labels[0, 0, 0] = CLASSES
    with pytest.raises(DataError, match=f"hold the id {CLASSES}"):
        losses.create(name)(coarse, labels)


@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 0.0]])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_torchs(weights, smoothing):
    coarse, labels = case()
    table = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    logits = F.interpolate(coarse, labels.shape[1:], mode="bilinear", align_corners=False)
    expected = F.cross_entropy(logits, labels.long(), table, ignore_index=VOID, label_smoothing=smoothing)
    loss = CrossEntropy(weights, smoothing)(coarse, labels)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient(loss, coarse), gradient(expected, coarse))


def test_cross_entropy_where_only_classes_of_weight_zero_occur():
    coarse, labels = case()
    loss = CrossEntropy([0, 1, 1])(coarse, torch.zeros_like(labels))
    assert loss == 0
    assert (gradient(loss, coarse) == 0).all()


def test_cross_entropy_keeps_its_weights():
    criterion = CrossEntropy([1, 2, 3])
    assert criterion.state_dict()["class_weights"].tolist() == [1, 2, 3]
    assert criterion.double().class_weights.dtype == torch.float64
    assert not CrossEntropy().state_dict()


def test_cross_entropy_refuses_senseless_arguments():
    with pytest.raises(ConfigError, match=r"class_weights must be a number of at least 0, found \[1, -1\]"):
        losses.create("cross_entropy", class_weights=[1, -1])
    with pytest.raises(ConfigError, match=r"below 1, found 1\.5"):
        losses.create("cross_entropy", label_smoothing=1.5)
