"""Every script beside the project: doctor and training agree, and nothing ends otherwise than in a sentence."""

import subprocess
import sys

import pytest
from test_cases import CASES, SCRIPTS, two_steps

from sceneseg.doctor import diagnose
from sceneseg.errors import ScenesegError

OTHERWISE = {"partb", "bomb100", "bomb190"}
"""Scripts that need CamVid, or minutes."""
KNOWN = {case.shared for case in CASES}
WRITTEN = sorted({file.stem for file in SCRIPTS.glob("*.py")} - KNOWN - OTHERWISE) if SCRIPTS.is_dir() else []
MANY = {"yaml_variants", "lists"}
"""Scripts that write one set of images with many descriptions."""


def make(name, root):
    done = subprocess.run([sys.executable, SCRIPTS / f"{name}.py", root], capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr


def agree(root, runs):
    """Ask the doctor, then train for two steps; anything but a `ScenesegError` fails the test."""
    try:
        errors = [finding.kind for finding in diagnose("folder", root).findings if finding.severity == "error"]
    except ScenesegError as error:
        errors = [str(error)]
    refusal = None
    try:
        two_steps("folder", root, runs, {})
    except ScenesegError as error:
        refusal = str(error)
    assert bool(errors) == bool(refusal), (errors, refusal)
    if refusal:
        assert not list(runs.rglob("*")), "a start that failed leaves nothing"


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - MANY))
def test_doctor_and_training_agree(name, tmp_path):
    make(name, tmp_path / "set")
    agree(tmp_path / "set", tmp_path / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(WRITTEN) & MANY))
def test_doctor_and_training_agree_on_every_description(name, tmp_path):
    make(name, tmp_path / "set")
    for file in sorted((tmp_path / "set").glob("*.yaml")):
        agree(file, tmp_path / "runs" / file.stem)
