import pytest
import torch
import torch.nn.functional as F
from loss_case import assert_equal_in_value_and_gradient, case, perfect, valid_pixels

from sceneseg import losses
from sceneseg.errors import ConfigError

WEIGHTS = [1.0, 2.0, 0.5, 4.0]


def reference(gamma, weights=None):
    def focal(logits, labels):
        p = logits.softmax(1).gather(1, labels[:, None]).squeeze(1)
        w = torch.ones_like(p) if weights is None else torch.tensor(weights, dtype=p.dtype)[labels]
        return -(w * (1 - p) ** gamma * p.log()).sum() / w.sum()

    return focal


@pytest.mark.parametrize(("gamma", "weights"), [(2.0, None), (2.0, WEIGHTS), (0.5, WEIGHTS), (5.0, None)])
def test_equals_the_papers_formula(gamma, weights):
    coarse, labels = case()
    criterion = losses.create("focal", gamma=gamma, class_weights=weights)
    assert_equal_in_value_and_gradient(criterion, reference(gamma, weights), coarse, labels)


def test_without_gamma_it_is_cross_entropy():
    coarse, labels = case()
    expected = F.cross_entropy(*valid_pixels(coarse, labels))
    torch.testing.assert_close(losses.create("focal", gamma=0)(coarse, labels), expected)


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
def test_perfect_logits_have_a_finite_gradient(gamma):
    _, labels = case()
    x = perfect(labels).requires_grad_()
    loss = losses.create("focal", gamma=gamma)(x, labels)
    loss.backward()
    assert loss < 1e-12
    assert x.grad.isfinite().all()


def test_negative_gamma():
    with pytest.raises(ConfigError, match="at least 0"):
        losses.create("focal", gamma=-1)
