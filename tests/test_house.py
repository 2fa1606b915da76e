"""The rules of the house that no linter knows."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sceneseg
from sceneseg.datasets import datasets
from sceneseg.export import formats
from sceneseg.losses import losses
from sceneseg.models import models
from sceneseg.registry import Registry

SOURCE = Path(sceneseg.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
SHELVES: list[Registry] = [models, datasets, losses, formats]


def python(code: str, *options: str) -> str:
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_files_stay_short(file):
    assert len(file.read_text().splitlines()) <= 400


def test_no_room_for_leftovers():
    words = {"utils", "util", "common", "helpers", "helper", "misc"}
    assert not [f for f in FILES if words & {f.stem, f.parent.name}]


@pytest.mark.parametrize("shelf", SHELVES, ids=lambda s: s.kind)
def test_every_name_on_a_shelf_is_its_file(shelf):
    assert shelf.names()
    for name in shelf.names():
        assert shelf.get(name).__module__ == f"{shelf.package}.{name}"


def test_no_architecture_imports_another():
    for name in models.names():
        tree = ast.parse((SOURCE / "models" / f"{name}.py").read_text())
        imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
        others = {f"sceneseg.models.{other}" for other in models.names()}
        assert not imported & others


def test_listing_a_shelf_imports_none_of_it():
    out = python(
        "import sys; from sceneseg.models import models; names = models.names();"
        "print([m for m in sys.modules if m.startswith('torch') or m in {f'sceneseg.models.{n}' for n in names}])"
    )
    assert out.strip() == "[]"


def test_help_needs_no_torch():
    code = (
        "import sys, json\n"
        "from sceneseg.cli.app import app\n"
        "for verb in ('train', 'evaluate', 'predict', 'report', 'summary', 'data toy'):\n"
        "    try: app([*verb.split(), '--help'])\n"
        "    except SystemExit: pass\n"
        "print(); print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    loaded = set(json.loads(python(code).splitlines()[-1]))
    assert not loaded & {"torch", "timm", "numba", "cv2", "lightning_fabric", "matplotlib"}


def test_public_names_exist_and_importing_warns_of_nothing():
    out = python(
        "import sceneseg\nfor n in sceneseg.__all__: getattr(sceneseg, n)\nprint(len(dir(sceneseg)))", "-Werror"
    )
    assert int(out) > len(sceneseg.__all__)


def test_unknown_public_name():
    with pytest.raises(AttributeError, match="lod"):
        _ = sceneseg.lod  # type: ignore[attr-defined]
