import numpy as np
import pytest
import torch
import torch.nn.functional as F
from loss_case import assert_equal_in_value_and_gradient, case, perfect, valid_pixels

from sceneseg import losses
from sceneseg.errors import ConfigError
from sceneseg.losses._edges import boundaries
from sceneseg.losses.boundary import fading

WEIGHTS = [1.0, 2.0, 0.5, 4.0]


def blocks():
    """Return labels (1, 40, 50) of three classes in blocks, and some void between."""
    labels = torch.zeros(1, 40, 50, dtype=torch.uint8)
    labels[0, 14:28, :] = 1
    labels[0, 5:9, 30:] = 2
    labels[0, :, 10:13] = 255
    return labels


def distances(labels):
    """Return the distance to the nearest pixel that touches another class, by brute force."""
    ids = labels[0].numpy()
    height, width = ids.shape
    edge = []
    for y in range(height):
        for x in range(width):
            near = ids[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
            if ids[y, x] != 255 and len(set(near.ravel().tolist()) - {255}) > 1:
                edge.append((y, x))
    at = np.stack(np.meshgrid(range(height), range(width), indexing="ij"), -1)
    away = at[:, :, None, :] - np.array(edge)
    return torch.from_numpy(np.abs(away).max(-1).min(-1)), torch.from_numpy(np.sqrt((away**2).sum(-1)).min(-1))


@pytest.mark.parametrize("class_weights", [None, WEIGHTS])
def test_equals_the_papers_formula(class_weights):
    coarse, _ = case()
    coarse, labels = coarse[:1], blocks()
    steps, distance = distances(labels)
    valid = labels[0] != 255
    assert steps.max() <= 15, "a smaller sigma would cut the weight off"
    weight = (1 + 10 * torch.exp(-(distance**2) / 50))[valid]
    if class_weights is not None:
        weight = weight * torch.tensor(class_weights, dtype=torch.float64)[labels[0][valid].long()]

    def reference(logits, ids):
        return (weight * F.cross_entropy(logits, ids, reduction="none")).sum() / weight.sum()

    criterion = losses.create("boundary", class_weights=class_weights)
    assert_equal_in_value_and_gradient(criterion, reference, coarse, labels)


def test_void_makes_no_boundary():
    labels = torch.zeros(1, 9, 9, dtype=torch.uint8)
    labels[0, 3:5] = 255
    assert not boundaries(labels).any()
    labels[0, 5:] = 1  # beyond the void, two pixels away
    assert not boundaries(labels).any()
    labels[0, 4] = 0
    assert boundaries(labels)[0].any(1).tolist() == [False] * 4 + [True, True] + [False] * 3


def test_fading_also_where_the_image_is_smaller_than_its_reach():
    marks = torch.zeros(1, 2, 3)
    marks[0, 0, 0] = 1
    expected = torch.tensor([[[0.0, 1, 4], [1, 2, 5]]]).div(-2 * 4).exp()
    torch.testing.assert_close(fading(marks, 2.0), expected)


def test_without_w0_it_is_cross_entropy():
    coarse, labels = case()
    expected = F.cross_entropy(*valid_pixels(coarse, labels))
    torch.testing.assert_close(losses.create("boundary", w0=0)(coarse, labels), expected)


def test_perfect_logits():
    _, labels = case()
    assert losses.create("boundary")(perfect(labels), labels) < 1e-12


@pytest.mark.parametrize("arguments", [{"w0": -1}, {"sigma": 0}])
def test_impossible_weights(arguments):
    with pytest.raises(ConfigError, match="boundary.*(w0|sigma) must be a number"):
        losses.create("boundary", **arguments)
