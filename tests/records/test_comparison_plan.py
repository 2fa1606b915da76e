"""The files of a comparison are checked as they are read."""

import json

import pytest

from sceneseg.errors import RunError
from sceneseg.records.comparison_plan import read_latency, read_plan, read_progress, read_together
from sceneseg.records.run_directory import ComparisonDirectory

BUDGET = {"kind": "steps", "amount": 5}


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
    assert len(read_plan(comparison)["candidates"]) == 2


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


@pytest.mark.parametrize(
    ("read", "name", "content"),
    [
        (read_progress, "progress.json", '{"runs": []}'),
        (read_progress, "progress.json", '{"runs": {"a": {"steps": "x"}}}'),
        (read_latency, "latency.json", "{}"),
        (read_latency, "latency.json", '{"models": {"a": {"p50_ms": -1}}}'),
        (read_together, "label_space.json", '{"evaluations": {}}'),
        (read_together, "label_space.json", '{"label_space": "x", "apart": {}, "evaluations": {"a": "../../x"}}'),
    ],
)
def test_damaged_files_beside_the_plan(comparison, read, name, content):
    assert not read(comparison)
    (comparison.path / name).write_text(content)
    with pytest.raises(RunError, match=f"{name}: damaged, expected"):
        read(comparison)
