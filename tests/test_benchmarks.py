"""The benchmark scripts run, and what they write can be shown on their page."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(file.stem for file in (ROOT / "benchmarks").glob("[a-z]*.py"))
NEEDS = {
    "evaluation": ("torchmetrics", "cityscapesscripts"),
    "input": ("albumentations",),
    "prediction": ("openvino",),
    "training": ("segmentation_models_pytorch",),
}


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import benchmark_tables

    return benchmark_tables


def test_every_script_has_a_place_on_the_page(tables):
    assert {"evaluation", "prediction", "training", "loss", "input"} <= set(SCRIPTS) <= set(tables.TABLES)


def test_a_benchmark_that_was_not_run_says_how(tables, monkeypatch, tmp_path):
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    assert tables.section("training", tables.training) == "Not run yet: `python benchmarks/training.py`."
    found = tables.section("training-cuda", tables.training)
    assert found == "Not run on a GPU: `python benchmarks/training.py --device cuda`."


def test_a_missed_goal_stands_beside_one_that_was_reached(tables):
    said = tables.goals([("a", 7, 7.0), ("b", 50, 49.9)])
    assert said == "Faster than a: goal 7 ×, found 7.00 × (reached); b: goal 50 ×, found 49.9 × (**missed**)."


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_trial_runs_and_can_be_shown(script, tables, tmp_path, monkeypatch):
    for package in NEEDS.get(script, ()):
        pytest.importorskip(package)
    file = tmp_path / f"{script}.json"
    command = [sys.executable, ROOT / "benchmarks" / f"{script}.py", "--quick", "--json", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_text())["quick"]
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    assert "A short trial" in tables.section(script, tables.TABLES[script])
