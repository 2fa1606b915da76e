"""Each case through doctor, training and evaluation: the right pixels, or one sentence before anything is computed."""

import os
import re
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from street import Case, street_model

import sceneseg
from sceneseg import datasets
from sceneseg.doctor import diagnose
from sceneseg.errors import ScenesegError
from sceneseg.evaluation.counting import count_scenes
from sceneseg.metrics.semantic import semantic_scores

HERE = Path(__file__).parent
SCRIPTS = Path(os.environ.get("SCENESEG_DATA", HERE.parents[2] / "shared" / "data")).parent / "cases" / "data"
CASES: list[Case] = [case for file in sorted(HERE.glob("cases_*.py")) for case in import_module(file.stem).CASES]


def runs_of(case: Case) -> list:
    """Return the case as it is written here, and as the script beside the project writes it."""
    shared = [] if case.shared is None else [pytest.param(case, True, id=f"{case.name}-shared")]
    return [pytest.param(case, False, id=case.name), *shared]


@pytest.fixture
def root(case, shared, tmp_path):
    folder = tmp_path / "set"
    if not shared:
        folder.mkdir()
        case.make(folder)
        return folder
    script = SCRIPTS / f"{case.shared}.py"
    if not script.is_file():
        pytest.skip(f"{script}: not here")
    if "import tifffile" in script.read_text():
        pytest.importorskip("tifffile")
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True)
    return folder


def test_names_are_different():
    assert max(Counter(case.name for case in CASES).values()) == 1


@pytest.mark.parametrize(("case", "shared"), [run for case in CASES for run in runs_of(case)])
def test_case(case, shared, root, tmp_path):
    doctor(case, root)
    train(case, root, tmp_path / "runs")
    evaluate(case, root)


def doctor(case: Case, root: Path) -> None:
    """Compare the doctor's verdict; a data set that can't be opened at all has the words of the refusal."""
    findings, refusal = [], ""
    try:
        findings = diagnose(case.data, root, options=dict(case.options)).findings
    except ScenesegError as error:
        refusal = str(error)
    if refusal:
        assert case.refused is not None, refusal
        assert re.search(case.refused, refusal), refusal
        return
    assert sorted(f.kind for f in findings if f.severity == "error") == sorted(case.errors), findings
    if case.warnings is not None:
        assert sorted(f.kind for f in findings if f.severity == "warning") == sorted(case.warnings), findings


def two_steps(data: str, root: Path, runs: Path, options: dict[str, Any]) -> sceneseg.Trained:
    """Train a small network for two steps."""
    return sceneseg.train(
        {"name": "separable_unet", "width": 4},
        data,
        root,
        runs=runs,
        epochs=1,
        steps_per_epoch=2,
        batch_size=2,
        crop_size=(32, 48),
        workers=0,
        device="cpu",
        options=options,
    )


def train(case: Case, root: Path, runs: Path) -> None:
    """Train for two steps; a refusal comes before anything is computed, and leaves nothing behind."""

    options = dict(case.options)
    if case.refused is None:
        assert two_steps(case.data, root, runs, options).finished
        return
    with pytest.raises(ScenesegError) as caught:
        two_steps(case.data, root, runs, options)
    assert re.search(case.refused, str(caught.value)), caught.value
    assert not list(runs.rglob("*")), "a start that failed leaves nothing"


def evaluate(case: Case, root: Path) -> None:
    """Score the network that knows the street, through the reader of the data set."""

    def score() -> float | None:
        dataset = datasets.create(case.data, root=root, split="val", **dict(case.options))
        counts = count_scenes(street_model(dataset), map(dataset.read, range(len(dataset))), dataset.label_space)
        return semantic_scores(counts, dataset.label_space).means["mean_iou"]

    words = case.refused if case.evaluated is None else case.evaluated
    if not words:
        found = score()
        assert found is None if case.score is None else found > case.score
        return
    with pytest.raises(ScenesegError) as caught:
        score()
    assert re.search(words, str(caught.value)), caught.value
