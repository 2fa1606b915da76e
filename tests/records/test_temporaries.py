"""Temporaries of killed processes are removed at the next start; those of running ones, and all others', stay."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sceneseg.records import run_directory, temporaries
from sceneseg.records.temporaries import create_file, discard, is_temporary, sweep, temporary_folder


@pytest.fixture(autouse=True)
def new_process(monkeypatch):
    monkeypatch.setattr(temporaries, "_swept", set())


def ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leave(folder: Path, pid: int, host: str = "", kind: str = "file") -> Path:
    """Make what a process leaves that was killed while it wrote state.ckpt."""
    path = folder / f".state.ckpt.{pid}-{host or temporaries._host()}-abcd1234.tmp"
    if kind == "folder":
        (path / "deep").mkdir(parents=True)
        (path / "deep" / "x.png").write_bytes(b"x")
    else:
        path.write_bytes(b"half")
    return path


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_those_of_a_killed_process_go_when_something_is_written_there(tmp_path, kind):
    left = leave(tmp_path, ended(), kind=kind)
    assert is_temporary(left.name)
    run_directory.write_text(tmp_path / "history.csv", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["history.csv"]


def test_a_killed_process_leaves_what_the_next_one_recognizes(tmp_path):
    code = (
        "import os, sys, pathlib\nfrom sceneseg.records.run_directory import atomic\n"
        "from sceneseg.records.temporaries import temporary_folder\n"
        "with temporary_folder('m.onnx', pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').touch()\n"
        "    with atomic(pathlib.Path(sys.argv[1]) / 'state.ckpt') as temporary:\n"
        "        temporary.write_bytes(b'half')\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    assert len(list(tmp_path.iterdir())) == 2
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_those_of_a_running_process_stay(tmp_path):
    theirs, ours = leave(tmp_path, os.getppid()), create_file(tmp_path / "a.txt")
    with temporary_folder("b", tmp_path) as folder:
        sweep(tmp_path)
        assert theirs.exists()
        assert ours.exists()
        assert folder.is_dir()
    discard(ours)
    assert list(tmp_path.iterdir()) == [theirs]


def test_ours_stay_on_whichever_way_their_folder_is_reached(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    with temporary_folder("a", Path("link")) as folder, run_directory.atomic(Path("real/b.txt")) as file:
        for way in ("link", "real", "real/../link", tmp_path / "real"):
            sweep(Path(way))
        assert folder.is_dir()
        assert file.is_file()
    assert [p.name for p in (tmp_path / "real").iterdir()] == ["b.txt"]


def test_those_of_an_earlier_process_with_our_number_go(tmp_path):
    leave(tmp_path, os.getpid())
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_those_of_another_host_stay_for_a_day(tmp_path, kind):
    left = leave(tmp_path, ended(), "0123abcd", kind)
    sweep(tmp_path)
    assert left.exists()
    old = time.time() - temporaries.ABANDONED - 60
    for path in (*left.rglob("*"), left):
        os.utime(path, (old, old))
    sweep(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize(
    "name",
    [
        *(".state.ckpt.abcd1234", "a.tmp", ".a.tmp", "state.ckpt.1-{host}-abcd1234.tmp", ".a.{pid}-{host}-abc.tmp"),
        *(".a.{pid}-{host}-abcd1234.tmp.png", ".a.{pid}-{host}-ABCD1234.tmp", ".a.x{pid}-{host}-abcd1234.tmp"),
    ],
)
def test_files_of_other_names_are_never_touched(tmp_path, name):
    file = tmp_path / name.format(pid=ended(), host=temporaries._host())
    file.write_text("mine")
    sweep(tmp_path)
    assert file.read_text() == "mine"


def test_a_link_of_such_a_name_leads_to_nothing_that_is_removed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    link = leave(tmp_path, ended())
    link.unlink()
    link.symlink_to(tmp_path / "mine")
    sweep(tmp_path)
    assert (tmp_path / "mine" / "thesis.txt").is_file()


def test_only_the_first_file_of_a_folder_costs_a_look(tmp_path, monkeypatch):
    looks: list[Path] = []
    monkeypatch.setattr(temporaries, "sweep", looks.append)
    for i in range(5):
        run_directory.write_text(tmp_path / f"{i}.txt", "x")
    assert looks == [tmp_path]


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, "🚗" * 63])
def test_names_as_long_as_the_file_system_allows(tmp_path, name):
    run_directory.write_text(tmp_path / name, "x")
    assert [p.name for p in tmp_path.iterdir()] == [name]
