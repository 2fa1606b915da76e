import pytest
import torch
import torch.nn.functional as F
from boundary_case import IGNORED, enlarge, outputs, street, touching

from sceneseg import losses
from sceneseg.errors import ConfigError
from sceneseg.kernels.grid import CoarseLogits


def plain(boundary, labels, reach=2):
    """The authors' weighted mean over all valid pixels at full size, by autograd."""
    edges, valid = touching(labels, reach), labels != IGNORED
    logits, targets = enlarge(boundary, labels)[:, 0][valid], edges[valid].double()
    share = targets.mean()
    weight = torch.where(targets > 0, 1 - share, share)
    return F.binary_cross_entropy_with_logits(logits, targets, weight)


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_value_and_gradient_are_those_of_the_plain_formula(reach):
    labels, (_, boundary) = street(), outputs()
    found = []
    for loss in (losses.create("boundary_bce", reach=reach), lambda x, y: plain(x, y, reach)):
        x = boundary.clone().requires_grad_()
        value = loss(x, labels)
        found.append((value.detach(), torch.autograd.grad(value, x)[0]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)
    assert torch.autograd.gradcheck(lambda x: losses.create("boundary_bce")(x, labels), boundary.requires_grad_())


def test_a_boundary_is_four_pixels_wide():
    labels = torch.zeros(1, 12, 12, dtype=torch.uint8)
    labels[:, 6:] = 1
    boundary = torch.full((1, 1, 12, 12), -60.0)
    boundary[:, :, 4:8] = 60.0
    assert losses.create("boundary_bce")(boundary, labels) < 1e-6
    assert losses.create("boundary_bce", reach=1)(boundary, labels) > 1
    assert losses.create("boundary_bce")(-boundary, labels) > 1


def test_void_counts_for_nothing_and_its_border_is_no_boundary():
    labels, (_, boundary) = street(), outputs(cells=(40, 45))
    criterion = losses.create("boundary_bce")
    slope = torch.autograd.grad(criterion(boundary.requires_grad_(), labels), boundary)[0]
    assert (slope[:, 0][labels == IGNORED] == 0).all()
    assert (slope[:, 0][labels != IGNORED] != 0).all()
    only_void_borders = torch.where(labels == IGNORED, labels, 0)
    assert criterion(boundary, only_void_borders) == 0


@pytest.mark.parametrize("fill", [0, IGNORED])
def test_nothing_to_tell_apart_is_zero(fill):
    boundary = outputs()[1].float().requires_grad_()
    loss = losses.create("boundary_bce")(boundary, torch.full((2, 40, 45), fill, dtype=torch.uint8))
    assert loss == 0
    assert (torch.autograd.grad(loss, boundary)[0] == 0).all()


@pytest.mark.parametrize(("extent", "align"), [((48, 64), False), ((48, 64), True)])
def test_padding_counts_for_nothing(extent, align):
    labels, (_, boundary) = street(), outputs()
    criterion = losses.create("boundary_bce")
    expected = criterion(CoarseLogits(boundary, extent, align).upsample((40, 45)), labels)
    torch.testing.assert_close(criterion(CoarseLogits(boundary, extent, align), labels), expected)


def test_a_reach_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="reach must be a whole number of at least 1, found 0"):
        losses.create("boundary_bce", reach=0)
