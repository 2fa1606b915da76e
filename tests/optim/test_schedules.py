from dataclasses import replace
from itertools import pairwise

import pytest

from sceneseg.config.schema import OptimConfig, ScheduleConfig
from sceneseg.errors import ConfigError, UnknownNameError
from sceneseg.optim.schedules import learning_rate, schedules
from sceneseg.optim.schedules.reduce_on_plateau import count_plateaus

NAMES = schedules.names()


def rates(name, steps=20, peak=2.0, scores=None, **values):
    config = ScheduleConfig(name, **values)
    return [learning_rate(s, steps, peak, config, scores) for s in range(steps)]


@pytest.mark.parametrize("name", NAMES)
def test_warm_up_on_any(name):
    assert rates(name, warmup_steps=4, scores=[])[:4] == pytest.approx([0.4, 0.8, 1.2, 1.6])
    behind = rates(name, steps=16, scores=[])
    assert rates(name, warmup_steps=4, scores=[])[4:] == pytest.approx(behind)


@pytest.mark.parametrize("name", ["poly", "cosine", "step", "constant"])
def test_these_start_at_the_peak_and_never_rise(name):
    found = rates(name)
    assert found[0] == 2.0
    assert all(a >= b for a, b in pairwise(found))


@pytest.mark.parametrize("name", ["poly", "cosine", "one_cycle", "cyclic", "step"])
def test_the_lowest_rate(name):
    found = rates(name, steps=2000, min_lr=0.5, cycle=100, factor=1e-6)
    assert min(found) == pytest.approx(0.5, abs=0.01)
    assert max(found) == pytest.approx(2.0)
    assert min(found) >= 0.5


def test_poly_is_the_papers_formula():
    config = ScheduleConfig("poly", power=0.9, min_lr=1e-4)
    expected = 1e-4 + (0.01 - 1e-4) * 0.75**0.9
    assert learning_rate(50, 200, 0.01, config) == pytest.approx(expected)
    assert learning_rate(50, 200, 0.01, replace(config, name="polynomial")) == pytest.approx(expected)


def test_cyclic_is_a_triangle():
    found = rates("cyclic", steps=12, peak=1.0, min_lr=0.2, cycle=8)
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 0.8, 0.6, 0.4, 0.2, 0.4, 0.6, 0.8])
    with pytest.raises(ConfigError, match="at least 2 steps"):
        rates("cyclic", cycle=1)


def test_one_cycle_rises_once_and_falls_once():
    found = rates("one_cycle", steps=100, peak=1.0)
    top = found.index(max(found))
    assert (found[0], top, found[top]) == (pytest.approx(1 / 25), 30, 1.0)
    assert all(a < b for a, b in pairwise(found[: top + 1]))
    assert all(a > b for a, b in pairwise(found[top:]))
    assert found[-1] < 0.001


def test_step_has_milestones():
    found = rates("step", steps=8, peak=1.0, milestones=[0.5, 0.75], factor=0.1)
    assert found == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])


@pytest.mark.parametrize(
    ("scores", "plateaus"),
    [
        ([], 0),
        ([0.1, 0.2, 0.3, 0.4], 0),
        ([0.4, 0.3, 0.3], 1),
        ([0.4, 0.3, 0.5, 0.4], 0),
        ([0.4, None, 0.3, None, 0.4], 1),  # the same again is no better
        ([0.4, 0.3, 0.3, 0.3], 1),  # the wait begins anew
        ([0.4, 0.3, 0.3, 0.3, 0.3], 2),
    ],
)
def test_plateaus(scores, plateaus):
    assert count_plateaus(scores, patience=2) == plateaus
    found = rates("reduce_on_plateau", peak=1.0, scores=scores, patience=2, factor=0.5)
    assert found == pytest.approx([0.5**plateaus] * 20)


def test_a_plateau_never_leads_below_the_lowest_rate():
    scores = [0.5] * 50
    assert rates("reduce_on_plateau", peak=1.0, scores=scores, patience=1, min_lr=0.05)[0] == 0.05


def test_plateaus_need_scores():
    with pytest.raises(ConfigError, match="needs the validation scores"):
        rates("reduce_on_plateau")


def test_typo():
    with pytest.raises(UnknownNameError, match='Did you mean "poly"'):
        rates("polly")


@pytest.fixture
def typed(monkeypatch):
    """Run the command line of `train` up to where the run would start; return its configuration."""

    def parse(*options):
        from sceneseg.cli.app import app
        from sceneseg.training import start

        configs = []

        def stop(config, runs, asked, report, *rest):
            configs.append(config)
            raise SystemExit(0)

        monkeypatch.setattr(start, "start", stop)
        with pytest.raises(SystemExit):
            app(["train", *options])
        return configs[0]

    return parse


def test_the_options_of_the_command_line(typed):
    config = typed(
        *("--schedule", "cyclic", "--max-lr", "0.02", "--min-lr", "1e-4", "--cycle", "500"),
        *("--power", "2", "--momentum", "0.8", "-f", "sgd_nesterov", "--optim.lr-scale.encoder", "0.1"),
    )
    assert config.schedule == ScheduleConfig("cyclic", power=2, min_lr=1e-4, cycle=500)
    assert config.optim == OptimConfig("sgd_nesterov", lr=0.02, momentum=0.8, lr_scale={"encoder": 0.1})


def test_long_names_mix_with_short_ones(typed):
    options = ["--schedule", "step", "--schedule.milestones", "0.3", "0.6", "--schedule.warmup-steps", "7"]
    assert typed(*options).schedule == ScheduleConfig("step", milestones=[0.3, 0.6], warmup_steps=7)
    assert typed("--schedule.name", "cosine").schedule == ScheduleConfig("cosine")
