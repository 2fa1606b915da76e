import pytest
import torch
import torch.nn.functional as F
from boundary_case import IGNORED, enlarge, outputs, street

from sceneseg import losses
from sceneseg.errors import ConfigError

WEIGHTS = [1.0, 3.0, 0.5]


def plain(classes, boundary, labels, threshold, weights, thresh=1.0):
    """Cross-entropy at full size where the boundary's sigmoid says so, by autograd."""
    logits = enlarge(classes, labels)
    seen = enlarge(boundary, labels)[:, 0].sigmoid() > threshold
    known = torch.where(labels == IGNORED, 0, labels).long()
    hard = logits.softmax(1).gather(1, known[:, None])[:, 0] <= thresh
    target = torch.where(seen & hard & (labels != IGNORED), known, IGNORED)
    table = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    return F.cross_entropy(logits, target, table, ignore_index=IGNORED)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(("threshold", "thresh"), [(0.8, 1.0), (0.5, 1.0), (0.8, 0.3)])
def test_value_and_gradient_are_those_of_the_plain_formula(threshold, thresh, weights):
    labels, (classes, boundary) = street(), outputs()
    criterion = losses.create("boundary_aware", threshold=threshold, thresh=thresh, class_weights=weights)
    found = []
    for loss in (criterion, lambda x, b, y: plain(x, b, y, threshold, weights, thresh)):
        x = classes.clone().requires_grad_()
        value = loss(x, boundary, labels)
        found.append((value.detach(), torch.autograd.grad(value, x)[0]))
    assert found[0][0] > 0
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)


def test_the_boundary_head_is_only_looked_at():
    labels, (classes, boundary) = street(), outputs()
    loss = losses.create("boundary_aware")(classes.requires_grad_(), boundary.requires_grad_(), labels)
    assert torch.autograd.grad(loss, boundary, allow_unused=True) == (None,)


@pytest.mark.parametrize(("level", "fill"), [(-9.0, 0), (9.0, IGNORED)])
def test_no_boundary_and_no_valid_pixel_are_zero(level, fill):
    classes, boundary = outputs()
    classes.requires_grad_()
    labels = torch.full((2, 40, 45), fill, dtype=torch.uint8)
    loss = losses.create("boundary_aware")(classes, torch.full_like(boundary, level), labels)
    assert loss == 0
    assert (torch.autograd.grad(loss, classes)[0] == 0).all()


def test_boundaries_everywhere_make_it_cross_entropy():
    labels, (classes, boundary) = street(), outputs()
    loss = losses.create("boundary_aware")(classes, torch.full_like(boundary, 9.0), labels)
    torch.testing.assert_close(loss, losses.create("cross_entropy")(classes, labels))


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_that_is_no_choice_is_refused(threshold):
    with pytest.raises(ConfigError, match="threshold must be a number above 0 and below 1"):
        losses.create("boundary_aware", threshold=threshold)
