"""What a range test suggests, on curves whose answer is known."""

import numpy as np
import pytest

from sceneseg.optim.lr_range import RangeTest, rates


def curve(losses, lowest=1e-5, highest=10.0, **facts):
    losses = np.asarray(losses, float)
    return RangeTest("sgd", rates(lowest, highest, len(losses)), losses, len(losses), **facts)


def fall(middle, steps=120, noise=0.0):
    """A loss that falls from 3 to 1 around a rate, and explodes from 1 on."""
    at = np.log10(rates(1e-5, 10.0, steps))
    losses = 1 + 2 / (1 + np.exp(4 * (at - np.log10(middle))))
    losses = losses + np.where(at > 0, np.exp(12 * at) - 1, 0)
    return losses + noise * np.random.default_rng(0).normal(size=steps)


@pytest.mark.parametrize("middle", [1e-4, 1e-3, 2e-2])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_steepest_place_of_a_known_curve(middle, noise):
    assert np.log10(curve(fall(middle, noise=noise)).steepest) == pytest.approx(np.log10(middle), abs=0.3)


def test_the_valley_is_the_middle_of_the_fall():
    """Flat for a third, down for a third, up for the last: the middle of all."""
    steps = 90
    losses = np.concatenate([np.full(30, 3.0), np.linspace(3, 1, 30), np.linspace(1, 5, 30)])
    found = curve(losses, 1e-6, 1.0)
    assert np.log10(found.valley) == pytest.approx(-3, abs=0.15)
    assert found.rates[29] < found.steepest < found.rates[60]
    assert found.to_dict()["steps"] == steps


def test_an_explosion_does_not_reach_back():
    calm = fall(1e-3)
    wild = np.where(np.log10(rates(1e-5, 10.0, 120)) > 0, np.inf, calm)
    wild[-1] = np.nan
    assert curve(wild, diverged=True).steepest == pytest.approx(curve(calm).steepest, rel=0.2)
    assert np.isfinite(curve(wild).smoothed).all()
    assert curve(wild, diverged=True).to_dict()["diverged_at"] == pytest.approx(10)


@pytest.mark.parametrize("losses", [np.full(50, 2.0), np.linspace(2, 4, 50), np.linspace(2, 1.99, 50), [float("nan")]])
def test_a_loss_that_does_not_fall_suggests_nothing(losses):
    found = curve(losses)
    assert found.valley is None
    assert found.steepest is None


def test_smoothing_does_not_shift():
    steps = 101
    losses = 2 + np.abs(np.arange(steps) - 50) / 50
    assert curve(losses).lowest == 50
