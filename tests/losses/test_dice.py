import pytest
import torch
from loss_case import assert_equal_in_value_and_gradient, case, perfect

from sceneseg import losses


def reference(weights=None):
    def dice(logits, labels):
        p = logits.softmax(1)
        terms, counted = [], []
        for c in labels.unique():
            hit = labels == c
            terms.append(1 - 2 * p[hit, c].sum() / (p[:, c].sum() + hit.sum()))
            counted.append(1.0 if weights is None else weights[c])
        return sum(t * w for t, w in zip(terms, counted, strict=True)) / sum(counted)

    return dice


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5, 4.0]])
def test_equals_the_plain_formula_over_present_classes(weights):
    coarse, labels = case()
    assert_equal_in_value_and_gradient(losses.create("dice", class_weights=weights), reference(weights), coarse, labels)


def test_ends():
    _, labels = case()
    criterion = losses.create("dice")
    assert criterion(perfect(labels), labels) < 1e-12
    assert criterion(-perfect(labels), labels) > 0.9


def test_a_small_class_counts_as_much_as_a_large_one():
    labels = torch.zeros(1, 20, 20, dtype=torch.uint8)
    labels[0, 0, :2] = 1
    missed = perfect(torch.zeros_like(labels))
    assert losses.create("dice")(missed, labels) == pytest.approx(0.5, abs=0.01)
