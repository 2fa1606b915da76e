from itertools import pairwise

import pytest
import torch
from torch import nn

from sceneseg.config import OptimConfig, ScheduleConfig
from sceneseg.errors import UnknownNameError
from sceneseg.optim import optimizers
from sceneseg.optim.averaging import WeightAverage
from sceneseg.optim.schedules import SCHEDULES, learning_rate


@pytest.mark.parametrize("name", sorted(optimizers.DEFAULTS))
def test_norms_and_biases_are_not_decayed(name):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    groups = optimizers.create(model, OptimConfig(name)).param_groups
    assert [len(g["params"]) for g in groups] == [1, 3]
    assert groups[0]["weight_decay"] > 0
    assert groups[1]["weight_decay"] == 0


def test_given_values_win():
    group = optimizers.create(nn.Linear(2, 2), OptimConfig("sgd", lr=0.3, weight_decay=0.0, momentum=0.5)).param_groups[
        0
    ]
    assert (group["lr"], group["weight_decay"], group["momentum"]) == (0.3, 0.0, 0.5)


def test_typo():
    with pytest.raises(UnknownNameError, match='Did you mean "adamw"'):
        optimizers.create(nn.Linear(2, 2), OptimConfig("adamv"))
    with pytest.raises(UnknownNameError, match='Did you mean "poly"'):
        learning_rate(0, 10, 1.0, ScheduleConfig("polly"))


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_schedules_start_at_the_peak_after_warming_up(name):
    config = ScheduleConfig(name, warmup_steps=4)
    rates = [learning_rate(s, 20, 2.0, config) for s in range(20)]
    assert rates[:4] == pytest.approx([0.4, 0.8, 1.2, 1.6])
    assert rates[4] == pytest.approx(2.0)
    assert all(a >= b for a, b in pairwise(rates[4:]))


def test_poly_is_the_papers_formula():
    config = ScheduleConfig("poly", power=0.9, min_lr=1e-4)
    assert learning_rate(50, 200, 0.01, config) == pytest.approx(1e-4 + (0.01 - 1e-4) * 0.75**0.9)


def test_average_follows_weights_and_batch_statistics():
    module = nn.BatchNorm1d(2)
    average = WeightAverage(module, decay=0.5)
    with torch.no_grad():
        module.weight.fill_(3.0)
        module.running_mean.fill_(2.0)
        module.num_batches_tracked.fill_(7)
    for _ in range(200):
        average.update(module)
    assert torch.allclose(average.state["weight"], torch.full((2,), 3.0))
    assert torch.allclose(average.state["running_mean"], torch.full((2,), 2.0))
    assert average.state["num_batches_tracked"] == 7
    with torch.no_grad():
        module.weight.fill_(9.0)
    with average.applied_to(module):
        assert torch.allclose(module.weight, torch.full((2,), 3.0))
    assert torch.equal(module.weight, torch.full((2,), 9.0))
