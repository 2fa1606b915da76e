"""How commands end: one sentence for what a user can cause, a traceback for everything else."""

import errno
import os
import subprocess
import sys

import pytest

from sceneseg.cli import app, endings
from sceneseg.errors import ConfigError
from small_run import make_small_run


@pytest.fixture(scope="module")
def run(toy_root, tmp_path_factory):
    return make_small_run(tmp_path_factory.mktemp("runs") / "small", toy_root).path


@pytest.fixture
def sceneseg(capsys):
    """Run a command in this process; return the exit code and what it printed as an error."""

    def sceneseg(*arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            app.main([*map(str, arguments)])
        return stop.value.code, " ".join(capsys.readouterr().err.split())

    return sceneseg


@pytest.fixture
def taken(tmp_path):
    """A file where a folder is needed."""
    file = tmp_path / "taken"
    file.write_text("here before")
    return file


TARGETS = [
    ("train", "-p", "TOY", "-m", "separable_unet", "--runs", "TARGET"),
    ("predict", "-w", "RUN", "PHOTO", "-r", "TARGET"),
    ("evaluate", "-w", "RUN", "--json", "TARGET/x.json"),
    ("report", "TARGET"),
    ("data", "toy", "--out", "TARGET", "--count", "4"),
    ("data", "view", "-d", "cityscapes", "-p", "TOY", "--out", "TARGET/x.png"),
    ("data", "stats", "-d", "cityscapes", "-p", "TOY", "--json", "TARGET/x.json"),
    ("data", "pack", "-d", "cityscapes", "-p", "TOY", "--out", "TARGET"),
    ("summary", "-m", "fast_scnn", "--diagram", "TARGET/x.svg"),
    ("weights", "card", "RUN", "--out", "TARGET/x.md"),
    ("export", "-w", "RUN", "--to", "torchscript", "-o", "TARGET/x.torchscript", "--images", "0"),
]


@pytest.mark.parametrize("place", ["TAKEN", "/proc/nope", "LONG"])
@pytest.mark.parametrize("arguments", TARGETS, ids=lambda arguments: "-".join(arguments[:2]))
def test_a_target_that_cannot_be_written_is_a_sentence(sceneseg, run, toy_root, taken, tmp_path, arguments, place):
    target = {"TAKEN": taken, "LONG": tmp_path / ("n" * 300)}.get(place, place)
    photo = next(toy_root.rglob("*_leftImg8bit.png"))
    names = {"TARGET": target, "RUN": run, "TOY": toy_root, "PHOTO": photo}
    filled = []
    for argument in arguments:
        for name, value in names.items():
            argument = argument.replace(name, str(value))
        filled.append(argument)
    code, said = sceneseg(*filled)
    assert code == 1
    assert said.startswith("Error: ")
    assert "Traceback" not in said
    assert taken.read_text() == "here before"


@pytest.mark.parametrize(
    "arguments",
    [
        ("bench", "-m", "fast_scnn", "--engine", "eager", "--json", "TAKEN/x"),
        ("evaluate", "-w", "RUN", "--json", "TAKEN/x"),
        ("export", "-w", "RUN", "--to", "torchscript", "-o", "TAKEN/x.torchscript"),
        ("data", "stats", "-d", "cityscapes", "-p", "TOY", "--picture", "TAKEN/x.png"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_target_is_looked_at_before_the_work(run, toy_root, taken, capsys, arguments):
    names = {"TAKEN": str(taken), "RUN": str(run), "TOY": str(toy_root)}
    for name, value in names.items():
        arguments = [argument.replace(name, value) for argument in arguments]
    with pytest.raises(SystemExit) as stop:
        app.main(arguments)
    said = capsys.readouterr()
    assert stop.value.code == 1
    assert "there is a file already" in said.err
    assert not said.out


def test_a_temporary_file_is_called_by_its_final_name():
    error = PermissionError(errno.EACCES, "denied", "/some/.x.json.4242-0a1b2c3d-8kq_z0ab.tmp")
    assert endings.of_the_system(error).startswith("/some/x.json: no permission")
    hidden = PermissionError(errno.EACCES, "denied", "/some/.hidden")
    assert "/some/.hidden:" in endings.of_the_system(hidden)


@pytest.mark.parametrize(
    "arguments",
    [("train", "--config", "FOLDER"), ("weights", "import", "--from", "espnet", "--file", "FOLDER", "--out", "x")],
)
def test_a_folder_in_the_place_of_a_file(sceneseg, tmp_path, arguments):
    code, said = sceneseg(*(str(tmp_path) if a == "FOLDER" else a for a in arguments))
    assert code == 1
    assert str(tmp_path) in said
    assert said.startswith("Error: ")


@pytest.mark.parametrize("number", sorted(endings.CURES))
def test_the_system_s_errors_name_the_path(number):
    code, sentence = endings.ending(OSError(number, os.strerror(number), "some/path"))
    assert code == 1
    assert sentence.count(". ") >= 1, "what, and the cure"
    assert ("some/path" in sentence) or number == errno.EMFILE


def test_errors_without_a_number_or_a_path():
    assert endings.ending(OSError("8 requested and 3 written"))[1] == "The system refused: 8 requested and 3 written."
    assert "No space left" in endings.ending(OSError(errno.ENOSPC, "No space left on device"))[1]
    assert "second" in endings.ending(OSError(errno.EXDEV, "Invalid link", "first", None, "second"))[1]
    assert "memory" in endings.ending(MemoryError())[1]


def test_a_fault_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        endings.ending(ZeroDivisionError("division by zero"))


def test_brackets_are_no_markup(capsys):
    endings.show(endings.ending(ConfigError("Install it with: pip install '.[export]' [bold]x[/]"))[1])
    assert capsys.readouterr().err == "Error: Install it with: pip install '.[export]' [bold]x[/]\n"


def test_a_closed_pipe_is_quiet():
    code = "import sys; from sceneseg.cli.app import main; sys.argv = ['sceneseg', 'models']; main()"
    done = subprocess.run(
        f'{sys.executable} -c "{code}" | true', shell=True, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
