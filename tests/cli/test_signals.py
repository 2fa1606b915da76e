"""Signals end a command as Ctrl-C does: with its temporary files removed, and a word of how far it came."""

import os
import signal
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from sceneseg.cli import app, signals
from sceneseg.cli.signals import Stopped, stopping
from sceneseg.config.conversion import from_dict
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.tasks.semantic import create_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_raised_and_temporary_folders_go(number):
    former = signal.signal(number, signal.SIG_DFL)  # the tests themselves may run under nohup
    try:
        with pytest.raises(Stopped) as stopped, stopping(), TemporaryDirectory() as folder:
            signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, former)
    assert not os.path.exists(folder)
    assert signals.exit_code(stopped.value) == 128 + number


def test_what_is_handled_otherwise_stays_so():
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        with stopping():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


def test_a_forked_process_ends_as_it_would_have():
    read, write = os.pipe()
    with stopping():
        child = os.fork()
        if child == 0:
            os.write(write, b"!")
            time.sleep(10)
            os._exit(0)
        os.read(read, 1)  # a signal that comes earlier is lost in Python
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGTERM


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (Stopped(signal.SIGTERM), 143)])
def test_the_command_line_says_how_far_it_came(monkeypatch, capsys, error, code):
    def stop(app, arguments):
        error.add_note("3 of 8 done.")
        raise error

    monkeypatch.setattr(app.spellings, "respell", stop)
    with pytest.raises(SystemExit) as ended:
        app.main(["predict"])
    assert ended.value.code == code
    assert "3 of 8 done." in capsys.readouterr().err


def test_predict_leaves_whole_files_alone(tmp_path, write_video):
    model = create_model(from_dict({"model": {"name": "separable_unet", "width": 4}}), LABEL_SPACE, "32-true")
    model.save(tmp_path / "w.safetensors", model.network.state_dict())
    for name in "ab":
        write_video(
            tmp_path / f"{name}.mp4", [np.full((64, 96, 3), i % 256, np.uint8) for i in range(1 + 300 * (name == "b"))]
        )
    out = tmp_path / "out"
    asked = ["predict", "-w", "w.safetensors", "a.mp4", "b.mp4", "-r", "out", "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sceneseg", *asked], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 60
    while not list(out.glob(".b_overlay*")) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert "1 of 2 done" in said
    assert "--skip-existing" in said
    assert sorted(file.name for file in out.iterdir()) == ["a_overlay.mp4", "predictions.csv"]
