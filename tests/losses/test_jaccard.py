import pytest
from loss_case import assert_equal_in_value_and_gradient, case, perfect

from sceneseg import losses


def reference(logits, labels):
    p = logits.softmax(1)
    terms = []
    for c in labels.unique():
        hit = labels == c
        terms.append(1 - p[hit, c].sum() / (p[:, c].sum() + hit.sum() - p[hit, c].sum()))
    return sum(terms) / len(terms)


def test_equals_the_plain_formula_over_present_classes():
    coarse, labels = case()
    assert_equal_in_value_and_gradient(losses.create("jaccard"), reference, coarse, labels)


def test_weights_choose_among_the_classes():
    coarse, labels = case()
    only = [losses.create("jaccard", class_weights=[float(i == c) for i in range(4)])(coarse, labels) for c in range(3)]
    assert losses.create("jaccard")(coarse, labels) == pytest.approx(float(sum(only)) / 3, rel=1e-12)


def test_of_sure_predictions_it_is_one_minus_the_mean_iou():
    _, labels = case()
    _, other = case(seed=1)
    prediction = perfect(other)
    ious = []
    for c in range(3):
        said, true = (prediction.argmax(1) == c) & (labels != 255), labels == c
        ious.append(((said & true).sum() / (said | true).sum()).item())
    assert losses.create("jaccard")(prediction, labels) == pytest.approx(1 - sum(ious) / 3, rel=1e-6)
