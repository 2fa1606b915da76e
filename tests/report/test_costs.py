"""Costs are drawn where candidates differ in them, and said where they don't."""

from dataclasses import replace

import pytest
from made_up_results import make_ranking, make_results, make_row

from sceneseg.records.comparison_plan import Budget
from sceneseg.records.latency import Latency
from sceneseg.report.comparison.costs import charts, equal_costs
from sceneseg.report.comparison.results import Cost

COLORS = dict.fromkeys("ab", "red")


def results(cost, other, budget=None, times=(None, None)):
    rows = [replace(make_row("a", 0.6, times[0]), cost=cost), replace(make_row("b", 0.5, times[1]), cost=other)]
    return replace(make_results(make_ranking(rows)), budget=budget)


def test_what_differs_is_drawn_and_its_front_is_said():
    found = charts(results(Cost(parameters=1e6), Cost(parameters=3e6)), COLORS)
    assert [chart.front for chart in found] == ["a is ahead in both, so it is the whole Pareto front."]
    assert "a: 60.0 %, 1 million parameters" in found[0].drawn
    [chart] = charts(results(Cost(gmacs=3.0), Cost(gmacs=1.0)), COLORS)
    assert chart.front.startswith("Filled dots lie on the Pareto front")


@pytest.mark.parametrize(
    ("cost", "other", "said"),
    [
        (Cost(parameters=1e6), Cost(parameters=1.05e6), ("Size", "1 million parameters to 1.05 million parameters")),
        (Cost(gmacs=2.0), Cost(gmacs=2.0), ("Operations", "2 GMACs")),
        (Cost(training_seconds=60.0), Cost(training_seconds=62.0), ("Training", "1 min to 1 min 2 s")),
    ],
)
def test_what_is_about_the_same_is_said(cost, other, said):
    found = results(cost, other)
    assert charts(found, COLORS) == []
    assert equal_costs(found) == [said]


def test_a_budget_of_time_makes_the_training_equal():
    costs = Cost(training_seconds=60.0), Cost(training_seconds=90.0)
    assert len(charts(results(*costs), COLORS)) == len(charts(results(*costs, Budget("steps", 5)), COLORS)) == 1
    assert equal_costs(results(*costs, Budget("time", 60.0))) == [("Training", "1 min to 1 min 30 s")]


def test_latencies_within_the_spread_are_equal():
    alike = results(Cost(), Cost(), times=(Latency(10, p25_ms=9, p75_ms=12), Latency(11, p25_ms=10, p75_ms=12)))
    assert equal_costs(alike) == [("Latency", "10.0 ms to 11.0 ms")]
    unlike = results(Cost(), Cost(), times=(Latency(10, p25_ms=9, p75_ms=12), Latency(20, p25_ms=19, p75_ms=22)))
    assert equal_costs(unlike) == []
    assert "ms for an image" in charts(unlike, COLORS)[0].drawn


def test_one_candidate_has_nothing_to_be_compared_with():
    found = results(Cost(parameters=1e6, gmacs=1.0), Cost())
    assert charts(found, COLORS) == equal_costs(found) == []
