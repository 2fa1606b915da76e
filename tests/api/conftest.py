"""A folder in which examples and verbs find what they need: toy scenes, a pack of them, and a run."""

import shutil

import pytest

import sceneseg
from small_run import make_small_run


@pytest.fixture(scope="session")
def furnished(toy_root, tmp_path_factory):
    """The folder's contents."""
    folder = tmp_path_factory.mktemp("furnished")
    sceneseg.pack("cityscapes", toy_root, split="val", out=folder / "data" / "packed")
    make_small_run(folder / "runs" / "small", toy_root)
    return folder


@pytest.fixture
def workplace(furnished, toy_root, tmp_path, monkeypatch):
    """Make ``data/toy``, ``data/packed`` and ``runs/small`` in the current folder, which is a new one."""
    folder = tmp_path / "workplace"
    shutil.copytree(furnished, folder)
    shutil.copytree(toy_root, folder / "data" / "toy", copy_function=shutil.copy2)
    monkeypatch.chdir(folder)
    return folder
