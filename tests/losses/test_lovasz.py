import itertools

import pytest
import torch
from loss_case import assert_equal_in_value_and_gradient, case, perfect

from sceneseg import losses
from sceneseg.losses._bands import true_logits


def jaccard(mistakes, hits):
    """Return the Jaccard loss of a class when the given pixels are wrong."""
    union = (hits | mistakes).sum()
    return 1 - (hits & ~mistakes).sum().double() / union


def extension(errors, hits):
    """Return the Lovasz extension by its definition: sum of errors times how much each mistake adds, worst first."""
    total, before = 0.0, torch.zeros_like(hits)
    for i in errors.argsort(descending=True):
        now = before.clone()
        now[i] = True
        total = total + errors[i] * (jaccard(now, hits) - jaccard(before, hits))
        before = now
    return total


def reference(weights=None):
    def lovasz(logits, labels):
        p = logits.softmax(1)
        terms = []
        for c in labels.unique():
            hits = labels == c
            terms.append((extension(torch.where(hits, 1 - p[:, c], p[:, c]), hits), weights[c] if weights else 1.0))
        return sum(t * w for t, w in terms) / sum(w for _, w in terms)

    return lovasz


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5, 4.0]])
def test_equals_the_definition(weights):
    coarse, labels = case(height=34, width=9)
    criterion = losses.create("lovasz", class_weights=weights)
    assert_equal_in_value_and_gradient(criterion, reference(weights), coarse, labels)


def test_of_sure_predictions_it_is_the_jaccard_loss():
    """At the corners of the cube, where every pixel is right or wrong, the extension is the set function."""
    labels = torch.tensor([[[0, 1, 1, 0, 255]]], dtype=torch.uint8)
    for said in itertools.product([0, 1], repeat=4):
        prediction = torch.tensor([[[*said, 0]]], dtype=torch.uint8)
        expected = []
        for c in (0, 1):
            true, got = labels[0, 0, :4] == c, prediction[0, 0, :4] == c
            expected.append(1 - (true & got).sum().item() / (true | got).sum().item())
        loss = losses.create("lovasz")(perfect(prediction), labels)
        assert loss == pytest.approx(sum(expected) / 2, abs=1e-9)


def test_a_class_that_only_void_hides_is_absent():
    coarse, labels = case(height=34, width=9)
    hidden = labels.masked_fill(labels == 1, 255)
    criterion, without = losses.create("lovasz"), losses.create("lovasz", class_weights=[1.0, 0.0, 1.0, 1.0])
    torch.testing.assert_close(criterion(coarse, hidden), without(coarse, hidden))


def test_true_logits_of_void_are_of_class_0():
    _, labels = case()
    logits = torch.randn(2, 4, *labels.shape[1:])
    own = true_logits(logits, labels)
    assert torch.equal(own[labels == 2], logits[:, 2][labels == 2])
    assert torch.equal(own[labels == 255], logits[:, 0][labels == 255])
