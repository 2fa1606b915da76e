"""The plan of a comparison is checked as it is read."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.errors import RunError
from sceneseg.records.comparison_plan import (
    Budget,
    ComparisonPlan,
    PlannedCandidate,
    PlannedRun,
    read_plan,
    write_plan,
)
from sceneseg.records.run_directory import ComparisonDirectory

BUDGET = {"kind": "steps", "amount": 5}
EARLIER = Path(__file__).parent / "comparisons_0_1_0"


def plan_with(folder="a", **changes):
    run = {"folder": folder, "config": {}}
    plan = {"format": 1, "budget": BUDGET, "split": None, "candidates": [{"name": "a", "changes": {}, "runs": [run]}]}
    return plan | changes


@pytest.fixture
def comparison(tmp_path):
    (tmp_path / "c").mkdir()
    return ComparisonDirectory(tmp_path / "c")


@pytest.mark.parametrize(
    "folder", ["../victim", "/tmp/victim", "a/b", "a/../../x", "..", ".", "plan.json", "link", " "]
)
def test_nothing_is_trained_outside_of_the_comparison(comparison, folder):
    (comparison.path / "link").symlink_to(comparison.path.parent)
    comparison.plan.write_text(json.dumps(plan_with(folder)))
    with pytest.raises(RunError, match="expected the plain name of a folder"):
        read_plan(comparison)


def test_finished_runs_may_lie_elsewhere(comparison):
    candidates = [{"name": n, "changes": {}, "runs": [{"folder": f"../{n}"}]} for n in "ab"]
    comparison.plan.write_text(json.dumps(plan_with(budget=None, candidates=candidates)))
    assert [run.folder for run in read_plan(comparison).runs] == ["../a", "../b"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "\xff",
        "[" * 100_000,
        json.dumps(plan_with(candidates=[])),
        json.dumps(plan_with(candidates={"a": 1})),
        json.dumps(plan_with(candidates=[{"name": "a", "runs": []}])),
        json.dumps(plan_with(candidates=[{"name": "a", "changes": {}, "runs": ["a"]}])),
        json.dumps(plan_with(budget={"kind": "love", "amount": 1})),
        json.dumps(plan_with(budget={"kind": "time", "amount": "NaN"})),
        json.dumps(plan_with(budget={"kind": "time", "amount": float("nan")})),
        json.dumps(plan_with(budget=None)),
        json.dumps(plan_with(format=99)),
        json.dumps(plan_with(split=7)),
        json.dumps(plan_with(absent="ignore")),
        json.dumps(plan_with(candidates=plan_with()["candidates"] * 2)),
    ],
)
def test_damaged_plans(comparison, content):
    comparison.plan.write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError, match=r"plan\.json: "):
        read_plan(comparison)


def test_a_plan_of_a_newer_version_is_told_apart_from_a_damaged_one(comparison):
    comparison.plan.write_text(json.dumps(plan_with(format=2)))
    with pytest.raises(RunError, match=r"plan\.json: .*newer.*format 2"):
        read_plan(comparison)


def test_the_message_names_the_value_at_fault(comparison):
    comparison.plan.write_text(json.dumps(plan_with(budget={"kind": "love", "amount": 1})))
    with pytest.raises(RunError, match=r"damaged: budget\.kind must be one of time, steps, epochs, found 'love'"):
        read_plan(comparison)


@pytest.mark.parametrize("name", ["experiment", "finished_runs"])
def test_plans_of_0_1_0_are_read_and_written_as_they_were(tmp_path, name):
    comparison = ComparisonDirectory(shutil.copytree(EARLIER / name, tmp_path / name))
    before = comparison.plan.read_bytes()
    plan = read_plan(comparison)
    write_plan(comparison, plan)
    assert comparison.plan.read_bytes() == before
    assert plan.is_same(replace(plan, command="another"))


def test_an_experiment_of_0_1_0_says_what_was_trained():
    plan = read_plan(ComparisonDirectory(EARLIER / "experiment"))
    assert plan.budget == Budget("time", 6.0)
    assert [(c.name, c.changes["optim.lr"]) for c in plan.candidates] == [("lr-0.01", 0.01), ("lr-1e30", "1e30")]
    assert plan.runs[0].config["data"]["root"] == "/data/toy"


def test_what_is_planned_is_read_again(comparison):
    candidate = PlannedCandidate("unet", {"model": "unet"}, (PlannedRun("unet", {"seed": 1}),))
    plan = ComparisonPlan((candidate,), Budget("steps", 20), "test", "road", "zero", "sceneseg compare")
    write_plan(comparison, plan)
    assert read_plan(comparison) == plan
    assert '"amount": 20\n' in comparison.plan.read_text(), "steps are whole numbers"


def test_options_that_came_later_make_no_other_plan():
    def plan(config):
        return ComparisonPlan((PlannedCandidate("a", {}, (PlannedRun("a", config),)),), Budget("steps", 5))

    assert plan({"seed": 1}).is_same(plan(to_dict(from_dict({"seed": 1}))))
    assert not plan({"seed": 1}).is_same(plan({"seed": 2}))
