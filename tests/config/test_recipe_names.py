"""Recipes by name, from a clone and from an installed package."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sceneseg.config import recipes
from sceneseg.config.files import load
from sceneseg.errors import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name", ["camvid/fast_scnn", "recipes/camvid/fast_scnn.yaml", "./recipes/camvid/fast_scnn.yaml"]
)
def test_a_recipe_is_found_by_name_from_any_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(Path(name)) == load(ROOT / "recipes/camvid/fast_scnn.yaml")


def test_a_file_of_the_user_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "camvid").mkdir()
    (tmp_path / "camvid/fast_scnn").write_text("seed: 77\n")
    assert load(Path("camvid/fast_scnn")).seed == 77


def test_every_recipe_has_its_name():
    assert recipes.names() == sorted(f"{file.parent.name}/{file.stem}" for file in (ROOT / "recipes").rglob("*.yaml"))


def test_a_wrong_name_suggests_the_closest():
    with pytest.raises(ConfigError, match=r'no recipe.*Did you mean "camvid/fast_scnn"'):
        load(Path("camvid/fastscnn"))


@pytest.mark.slow
def test_the_wheel_holds_the_recipes(tmp_path):
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(pip, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        files = set(wheel.namelist())
    assert {f"sceneseg/recipes/{name}.yaml" for name in recipes.names()} <= files
