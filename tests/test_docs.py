"""The tables in the documents say what the code says."""

import importlib.util
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from sceneseg.api.models import list_models
from sceneseg.models.cost import segmentation_models

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def beside():
    """Let the scripts in tools import each other, as they do when they are run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        yield


@pytest.fixture(scope="module")
def tables(beside):
    spec = importlib.util.spec_from_file_location("tables", ROOT / "tools" / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_lists_every_model(tables):
    rows = json.loads((ROOT / "docs" / "models.json").read_text())
    assert [row["name"] for row in rows] == segmentation_models()
    assert tables.between(ROOT / "README.md", "models") == tables.models_table(rows), "run `make docs`"


def test_what_each_model_starts_from(tables):
    assert tables.between(ROOT / "docs" / "start.md", "starts") == tables.starts_table(segmentation_models()), (
        "make docs"
    )


@pytest.mark.parametrize("mark", ["losses", "optimizers"])
def test_what_can_be_typed_for_training(tables, mark):
    made = getattr(tables, f"{mark}_table")()
    assert tables.between(ROOT / "docs" / "training.md", mark) == made, "make docs"


def test_what_transforms_there_are(tables):
    assert tables.between(ROOT / "docs" / "data.md", "transforms") == tables.transforms_table(), "make docs"


def test_the_comparison_on_camvid(tables):
    page = ROOT / "docs" / "compare.md"
    found = json.loads(tables.COMPARISON.read_text())
    assert found["command"] in page.read_text()
    assert tables.between(page, "camvid") == tables.comparison_table(found), "make docs"


def test_the_benchmarks_page_says_what_was_measured(tables):
    page = ROOT / "docs" / tables.benchmark_tables.PAGE
    sections = tables.benchmark_tables.sections()
    assert {"evaluation", "prediction", "prediction-cuda", "training", "training-cuda"} <= set(sections)
    for mark, text in sections.items():
        assert tables.between(page, mark) == text, "run `make docs`"
    measured = {file.stem for file in tables.benchmark_tables.RESULTS.glob("*.json")}
    assert measured <= set(sections)


@pytest.mark.slow
def test_the_facts_are_what_is_counted_now():
    assert json.loads((ROOT / "docs" / "models.json").read_text()) == [asdict(model) for model in list_models()], (
        "run `make docs`"
    )
