from typing import Any

import pytest
import torch

from sceneseg import models
from sceneseg.models import _segnet
from sceneseg.models.base import SegmentationModel


def parameters(**arguments: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in models.create("bayesian_segnet", **arguments).parameters())


def tiny() -> SegmentationModel:
    torch.manual_seed(1)
    return models.create("bayesian_segnet", num_classes=3, width=4).eval()


def test_has_the_parameters_of_the_authors_model() -> None:
    assert parameters(num_classes=11) == 29_449_355


def test_drops_in_the_six_deep_places(monkeypatch: pytest.MonkeyPatch) -> None:
    places = []

    def record(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
        if training:
            places.append((p, *x.shape[1:]))
        return x

    monkeypatch.setattr(_segnet.F, "dropout", record)
    model, image = tiny(), torch.rand(2, 3, 64, 96)
    model(image)
    assert not places
    model.train()(image)
    # behind pooling 3, 4 and 5, and behind the decoder's levels 5, 4 and 3
    assert places == [(0.5, c, 64 // s, 96 // s) for c, s in [(16, 8), (32, 16), (32, 32), (32, 16), (16, 8), (8, 4)]]


def test_samples_differ_where_the_prediction_does_not() -> None:
    model, image = tiny(), torch.rand(1, 3, 37, 50)
    with torch.no_grad():
        first, second = model.sample_logits(image, 2)
        assert torch.equal(model(image), model(image))
    assert first.shape == (1, 3, 37, 50)
    assert not torch.equal(first, second)
    assert not model.training


def test_the_mean_of_samples_converges() -> None:
    model, image = tiny(), torch.rand(1, 3, 32, 32)

    def mean(samples: int) -> torch.Tensor:
        return torch.stack([logits.softmax(1) for logits in model.sample_logits(image, samples)]).mean(0)

    with torch.no_grad():
        torch.manual_seed(0)
        few = (mean(2) - mean(2)).abs().mean()
        many = (mean(128) - mean(128)).abs().mean()
    assert many < few / 3  # the error of a mean falls with the root of the samples: 8 times


def test_a_sample_is_the_whole_network_with_dropout() -> None:
    model, image = tiny(), torch.rand(1, 3, 32, 64)
    with torch.no_grad():
        torch.manual_seed(3)
        (sample,) = model.sample_logits(image, 1)
        torch.manual_seed(3)
        assert torch.equal(sample, model.body(model.prepare(image), drop=True))
