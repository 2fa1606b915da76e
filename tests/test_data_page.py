"""Every command of docs/data.md works, on toy scenes in the official layouts."""

import re
import shlex
from pathlib import Path

import pytest

from layouts import LAYOUTS
from sceneseg.cli.app import app

PAGE = Path(__file__).parents[1] / "docs" / "data.md"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if not kind for line in block.splitlines()]
TINY = "-b 2 -e 1 --train.steps-per-epoch 1 --train.device cpu --data.workers 0"
SEMANTIC = f"{TINY} --model.width 0.25 --augment.crop-size 32 64"
CLASSIFYING = f"{TINY} --model.encoder test_resnet -t 32 32"


def test_every_line_is_a_command_and_every_folder_can_be_made():
    assert len(COMMANDS) > 40
    assert all(line.startswith("sceneseg ") for line in COMMANDS)
    words = {
        word.partition("/")[0] for line in COMMANDS for word in line.split() if re.fullmatch(r"[A-Z0-9_/.a-z]*", word)
    }
    assert {word for word in words if re.fullmatch(r"[A-Z][A-Z0-9_]+", word)} == LAYOUTS.keys()


def test_every_id_is_on_the_page():
    text = PAGE.read_text().partition("## By number")[2]
    expected = {f"D{i}" for i in range(1, 17)} | {"A1", "A2", "A5"}
    assert set(re.findall(r"\b[DA]\d+\b", text.replace("ADE20K", ""))) == expected


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*mean of empty slice.*")
def test_all_of_them_work(toy_root, tmp_path, monkeypatch):
    for name, write in LAYOUTS.items():
        write(toy_root, tmp_path / name)
    for kind, block in BLOCKS:
        if kind == "yaml":
            name = block.partition("\n")[0].removeprefix("# ")
            ((tmp_path / "MINE" / name) if name == "data.yaml" else tmp_path / name).write_text(block)
    (tmp_path / "recipes").symlink_to(PAGE.parents[1] / "recipes")
    monkeypatch.chdir(tmp_path)
    failed = {line: error for line in COMMANDS if (error := run(line))}
    assert not failed


def run(line: str) -> str:
    """Run a command, training as little as possible; return why it failed."""
    if line.startswith("sceneseg train"):
        line = f"{line} {CLASSIFYING if 'classification' in line else SEMANTIC}"
    try:
        app(shlex.split(line)[1:], result_action="return_value")
    except SystemExit as end:
        return f"exit code {end.code}" if end.code else ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
