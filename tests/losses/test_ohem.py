import pytest
import torch
import torch.nn.functional as F
from loss_case import assert_equal_in_value_and_gradient, case, perfect, valid_pixels

from sceneseg import losses
from sceneseg.errors import ConfigError

WEIGHTS = [1.0, 2.0, 0.5, 4.0]


def reference(thresh, kept, weights=None):
    """Sort the pixels by the probability of their class; keep those below the threshold, but at least `kept`."""

    def ohem(logits, labels):
        p = logits.softmax(1).gather(1, labels[:, None]).squeeze(1)
        count = max(int((p <= thresh).sum()), kept)
        hardest = p.argsort()[:count]
        w = None if weights is None else torch.tensor(weights, dtype=p.dtype)
        return F.cross_entropy(logits[hardest], labels[hardest], w)

    return ohem


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("thresh", [0.2, 0.7])
def test_pixels_below_the_threshold(thresh, weights):
    coarse, labels = case()
    criterion = losses.create("ohem", thresh=thresh, min_kept=0, class_weights=weights)
    assert_equal_in_value_and_gradient(criterion, reference(thresh, 0, weights), coarse, labels)


@pytest.mark.parametrize(("min_kept", "count"), [(100, 200), (0.5, None), (10**6, None)])
def test_but_never_too_few(min_kept, count):
    """A number counts for each of two images, a share for all valid pixels; more than there are is all of them."""
    coarse, labels = case()
    valid = int((labels != 255).sum())
    count = count or (valid // 2 if min_kept < 1 else valid)
    criterion = losses.create("ohem", thresh=1e-6, min_kept=min_kept)
    assert_equal_in_value_and_gradient(criterion, reference(1e-6, count), coarse, labels)


def test_a_threshold_of_one_is_cross_entropy():
    coarse, labels = case()
    expected = F.cross_entropy(*valid_pixels(coarse, labels))
    torch.testing.assert_close(losses.create("ohem", thresh=1.0)(coarse, labels), expected)


def test_easy_pixels_get_no_gradient():
    labels = torch.zeros(1, 16, 16, dtype=torch.uint8)
    labels[0, :4] = 1
    x = perfect(torch.zeros_like(labels), scale=4.0).requires_grad_()
    losses.create("ohem", thresh=0.7, min_kept=0)(x, labels).backward()
    assert x.grad[0, :, 4:].abs().max() == 0
    assert x.grad[0, 0, :4].min() > 0


def test_perfect_logits():
    _, labels = case()
    assert losses.create("ohem", min_kept=100)(perfect(labels), labels) < 1e-12


@pytest.mark.parametrize("arguments", [{"thresh": 0}, {"thresh": 70}, {"min_kept": -1}])
def test_what_is_no_threshold(arguments):
    with pytest.raises(ConfigError, match="ohem"):
        losses.create("ohem", **arguments)
