import re
import subprocess
import sys

import pytest
import torch

from sceneseg.errors import ConfigError, RunError
from sceneseg.records import run_directory
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory


def test_runs_never_overwrite_each_other(tmp_path):
    assert [run_directory.create_run(tmp_path, "a").path.name for _ in range(3)] == ["a", "a-2", "a-3"]


def test_weights_describe_themselves(tmp_path):
    path = tmp_path / "w.safetensors"
    run_directory.save_weights(path, {"x": torch.ones(2, 3).T}, {"model": {"name": "m"}})
    assert run_directory.read_header(path).model.name == "m"
    assert torch.equal(run_directory.load_weights(path)["x"], torch.ones(3, 2))


def test_foreign_weights_are_refused(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "foreign.safetensors"
    save_file({"x": torch.ones(1)}, path)
    with pytest.raises(RunError, match="don't say which model"):
        run_directory.read_header(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(RunError, match="not readable as safetensors"):
        run_directory.read_header(path)
    with pytest.raises(RunError, match="no such weights file"):
        run_directory.read_header(tmp_path / "none")


def test_newer_formats_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(run_directory, "FORMAT", 99)
    run_directory.save_weights(tmp_path / "w.safetensors", {"x": torch.ones(1)}, {})
    monkeypatch.undo()
    with pytest.raises(RunError, match="newer sceneseg"):
        run_directory.read_header(tmp_path / "w.safetensors")


def test_atomic_leaves_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fails():
        with run_directory.atomic(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fails()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match="has no config.yaml"):
        RunDirectory(tmp_path).load_config()
    with pytest.raises(RunError, match="doesn't exist"):
        RunDirectory(tmp_path / "none").load_config()
    with pytest.raises(RunError, match="has no config.yaml"):
        run_directory.find_weights(tmp_path)
    (tmp_path / "config.yaml").touch()
    with pytest.raises(RunError, match="no weights in there yet"):
        run_directory.find_weights(tmp_path)


def test_of_a_comparison_one_of_its_runs_is_asked_for(tmp_path):
    ComparisonDirectory(tmp_path).plan.touch()
    for name in ("unet", "fast_scnn"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").touch()
    message = re.escape(f"Give one of them: {tmp_path / 'fast_scnn'}, {tmp_path / 'unet'}.")
    with pytest.raises(RunError, match=message):
        run_directory.find_weights(tmp_path)
    with pytest.raises(RunError, match=message):
        RunDirectory(tmp_path).load_config()


@pytest.mark.parametrize("name", ["../../x", "..", ".", "", " ", "a/b", "/tmp/x", "a\\b", "a\0b", "\ud800", "é" * 150])
def test_a_name_never_leads_out_of_the_folder_of_the_runs(tmp_path, name):
    with pytest.raises(ConfigError, match="expected the name of one folder"):
        run_directory.create_run(tmp_path / "runs", name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["-rf", "Straße 7", "a.b", "...", "🚗", "aux", "a" * 200])
def test_other_names_are_taken_as_they_are(tmp_path, name):
    assert run_directory.create_run(tmp_path, name).path == tmp_path / name


def test_windows_keeps_some_names_for_devices(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "win32")
    for name in ("aux", "NUL.x", "com1"):
        with pytest.raises(ConfigError, match="Windows keeps it"):
            run_directory.check_name(name)
    run_directory.check_name("auxiliary")


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b"[" * 100_000, b"", b"{"])
def test_json_of_any_damage_is_named(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(RunError, match=r"x\.json: not readable as JSON"):
        run_directory.read_json(tmp_path / "x.json")


def test_weights_of_a_killed_process_leave_nothing_after_the_next_saving(tmp_path):
    code = (
        "import os, sys, pathlib, safetensors.torch, torch\nfrom sceneseg.records import run_directory\n"
        "def die(tensors, path, metadata):\n"
        "    (path.parent / '.tmpAbCdEf').write_bytes(b'half')\n"  # as safetensors does
        "    os.kill(os.getpid(), 9)\n"
        "safetensors.torch.save_file = die\n"
        "run_directory.save_weights(pathlib.Path(sys.argv[1]), {'x': torch.ones(1)}, {})\n"
    )
    path = tmp_path / "best.safetensors"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    run_directory.save_weights(path, {"x": torch.ones(1)}, {})
    assert list(tmp_path.iterdir()) == [path]
