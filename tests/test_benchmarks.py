"""The benchmark scripts run, and what they write can be shown on their page."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sceneseg import models
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.inference.predictor import SemanticModel

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(file.stem for file in (ROOT / "benchmarks").glob("[a-z]*.py"))
NEEDS = {
    "evaluation": ("torchmetrics", "cityscapesscripts"),
    "export": ("onnxruntime",),
    "input": ("albumentations",),
    "prediction": ("openvino",),
    "training": ("segmentation_models_pytorch",),
}


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
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


def test_a_file_that_the_gate_refuses_is_shown_as_such(tables):
    found = {"format": "onnx", "precision": "int8", "images": 8, "pixels_equal": 0.97, "file_mb": 1.5, "passed": False}
    rows = [found | {"mean_iou": {"model": 0.5, "exported": 0.488}}, found | {"passed": True}]
    rows[1]["mean_iou"] = {"model": 0.5, "exported": 0.49999}
    said = tables.export({"results": rows, "settings": {"model": "unet", "dataset": "camvid", "calibration": 2}})
    assert "| `onnx`, int8 | -1.20 | 97.000% | 1.5 | **is refused** |" in said
    assert "| `onnx`, int8 | +0.00 | 97.000% | 1.5 | passes |" in said
    assert "unet, mean IoU 50.0 % in float32 on 8 images of the validation split; int8 has its ranges from 2" in said


@pytest.fixture
def options(toy_root, tmp_path):
    """What a script is given beside --quick."""
    network = models.create("unet", num_classes=19, width=4, depth=2)
    file = tmp_path / "unet.safetensors"
    model = SemanticModel(network, LABEL_SPACE, {"name": "unet", "width": 4, "depth": 2})
    model.save(file, network.state_dict(), score={"protocol": {"dataset": "cityscapes"}})
    return {"export": ["--weights", file, "--root", toy_root]}


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_trial_runs_and_can_be_shown(script, tables, tmp_path, monkeypatch, options):
    for package in NEEDS.get(script, ()):
        pytest.importorskip(package)
    file = tmp_path / f"{script}.json"
    command = [
        sys.executable,
        ROOT / "benchmarks" / f"{script}.py",
        "--quick",
        "--json",
        file,
        *options.get(script, []),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_text())["quick"]
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    assert "A short trial" in tables.section(script, tables.TABLES[script])


def test_a_missing_peer_is_named_with_its_cure(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import _peers

    monkeypatch.setitem(_peers.PEERS, "no_such_package", "no-such-package")
    with pytest.raises(SystemExit, match=r"no-such-package, which isn't installed\. Install it with: pip install"):
        _peers.need_peers("cityscapesscripts", "no_such_package")
    _peers.need_peers("cityscapesscripts")
