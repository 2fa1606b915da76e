"""What commands print: names from files stay what they are."""

import io
import logging
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sceneseg
from sceneseg.cli.app import main
from sceneseg.cli.output import printed_log, terminal

ODD = ["sky [/b]", "car [moving]", "[bold]road"]


@pytest.fixture
def root(tmp_path):
    """A data set whose classes are called like markup."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 3), ("val", 2)):
        for kind in ("images", "masks"):
            (tmp_path / kind / split).mkdir(parents=True)
        for i in range(count):
            image = rng.integers(0, 256, (16, 32, 3), np.uint8)
            Image.fromarray(image).save(tmp_path / "images" / split / f"[red]{i}.png")
            mask = np.arange(16 * 32).reshape(16, 32) % 3
            Image.fromarray(mask.astype(np.uint8)).save(tmp_path / "masks" / split / f"[red]{i}.png")
    (tmp_path / "data.yaml").write_text(f"names: {ODD!r}\n")
    return tmp_path


@pytest.mark.parametrize("verb", ["stats", "doctor"])
def test_classes_called_like_markup(root, verb, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["data", verb, "-d", "folder", "-p", str(root)])
    assert not stop.value.code
    if verb == "stats":
        out = capsys.readouterr().out
        assert all(name in out for name in ODD)


def test_classes_called_like_formulas_and_in_any_script(root, tmp_path, capsys):
    (root / "data.yaml").write_text('names: ["a $x_{ b$", "日本", "$"]\n')
    with pytest.raises(SystemExit) as stop:
        main(["data", "stats", "-d", "folder", "-p", str(root), "--picture", str(tmp_path / "s.png")])
    assert not stop.value.code
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.width == 1500
    assert not capsys.readouterr().err


def test_a_terminal_that_takes_ascii_alone(root, monkeypatch):
    (root / "data.yaml").write_text('names: ["road", "日本", "sky"]\n', encoding="utf-8")
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", stream)
    with pytest.raises(SystemExit) as stop:
        main(["data", "stats", "-d", "folder", "-p", str(root)])
    assert not stop.value.code
    assert b"??" in stream.buffer.getvalue()


def test_a_terminal_takes_nothing_for_markup(capsys):
    terminal().print("[bold]x[/] [/nothing]", style="red")
    assert capsys.readouterr().out == "[bold]x[/] [/nothing]\n"


def test_commands_that_are_suggested_can_be_pasted(tmp_path, capsys):
    out = tmp_path / "my toys"
    with pytest.raises(SystemExit):
        main(["data", "toy", "--out", str(out), "--count", "1", "--size", "32", "64"])
    assert f"-p '{out}'" in capsys.readouterr().out
    for file in Path(sceneseg.__file__).parent.rglob("*.py"):
        bare = re.findall(r"sceneseg [a-z][^\"\n]* (?:--config|-r|-w|-p) \{(?!quoted|shlex)\w.*", file.read_text())
        assert not bare, file


def test_every_command_prints_through_it():
    for file in (Path(sceneseg.__file__).parent / "cli").glob("*.py"):
        if file.name != "output.py":
            assert not re.search(r"(?<!\w)Console\(", file.read_text()), file.name


def test_what_the_library_logs_is_printed_while_a_command_runs(capsys):
    log = logging.getLogger("sceneseg.training.start")
    with printed_log():
        log.info("a fact: %s", "[bold]")
        log.warning("a warning")
    log.info("not printed any more")
    assert capsys.readouterr() == ("a fact: [bold]\n", "a warning\n")
