import pytest
import torch
import torch.nn.functional as F
from loss_case import CLASSES, assert_equal_in_value_and_gradient, case, perfect

from sceneseg import losses


def reference(dice_weight):
    def bce_dice(logits, labels):
        targets = F.one_hot(labels, CLASSES).double()
        p = logits.sigmoid()
        dice = 1 - 2 * (p * targets).sum(0) / (p.sum(0) + targets.sum(0))
        bce = F.binary_cross_entropy_with_logits(logits, targets)
        return bce + dice_weight * dice[labels.unique()].mean()

    return bce_dice


@pytest.mark.parametrize("dice", [0.0, 1.0, 0.3])
def test_equals_the_plain_formula(dice):
    coarse, labels = case()
    assert_equal_in_value_and_gradient(losses.create("bce_dice", dice=dice), reference(dice), coarse, labels)


def test_class_weights_weigh_both_parts():
    coarse, labels = case()
    only = losses.create("bce_dice", class_weights=[0.0, 1.0, 0.0, 0.0])(coarse, labels)
    logits = F.interpolate(coarse, size=labels.shape[1:], mode="bilinear")[:, 1][labels != 255]
    hit = (labels == 1)[labels != 255].double()
    p = logits.sigmoid()
    expected = F.binary_cross_entropy_with_logits(logits, hit) + 1 - 2 * (p * hit).sum() / (p.sum() + hit.sum())
    torch.testing.assert_close(only, expected)


def test_perfect_logits():
    _, labels = case()
    assert losses.create("bce_dice")(2 * perfect(labels) - 60, labels) < 1e-12
