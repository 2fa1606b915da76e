"""Proof of resume: a run that is killed in the middle of an epoch ends with the same bits as one that never was."""

import os
import signal
import subprocess
import sys
import time

import pytest

from sceneseg.records import run_directory
from sceneseg.records.run_directory import RunDirectory

TRAIN = [sys.executable, "-m", "sceneseg.cli.app", "train"]


def options(toy_root, folder, name):
    return [
        *("-m", "fast_scnn", "--model.width", "0.25", "--model.dropout", "0.3"),
        *("-d", "cityscapes", "-p", str(toy_root), "-b", "2", "-e", "3", "--train.steps-per-epoch", "6"),
        *("--augment.crop-size", "32", "64", "--train.ema", "0.9", "--train.device", "cpu", "--seed", "3"),
        *("--train.checkpoint-minutes", "0", "--runs", str(folder), "--name", name),
    ]


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def start(command):
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, code=0):
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, out + err
    return out


def wait_for_step(run: RunDirectory, step: int, process) -> None:
    """Wait until the saved state has reached a step (a state is saved after each)."""
    import torch

    for _ in range(3000):
        if run.state.is_file() and torch.load(run.state, weights_only=True)["progress"]["step"] >= step:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("the run didn't get there")


@pytest.fixture(scope="module")
def unbroken(toy_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    finish(start([*TRAIN, *options(toy_root, folder, "unbroken")]))
    return RunDirectory(folder / "unbroken")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 130)]
)
def test_killed_and_resumed_is_bit_for_bit_the_unbroken_run(toy_root, tmp_path, unbroken, number, code):
    process = start([*TRAIN, *options(toy_root, tmp_path, "broken")])
    run = RunDirectory(tmp_path / "broken")
    wait_for_step(run, 8, process)  # the second epoch's second step
    process.send_signal(number)
    finish(process, code)
    finish(start([*TRAIN, "-r", str(run.path)]))

    for which in ("last", "best"):
        expected = run_directory.load_weights(getattr(unbroken, which))
        actual = run_directory.load_weights(getattr(run, which))
        assert expected.keys() == actual.keys()
        different = [k for k in expected if expected[k].numpy().tobytes() != actual[k].numpy().tobytes()]
        assert not different
    times = {"seconds", "images_per_second", "data_wait"}
    rows = [
        [{k: v for k, v in row.items() if k not in times} for row in run_directory.read_history(r.history)]
        for r in (run, unbroken)
    ]
    assert rows[0] == rows[1]
    assert [row["epoch"] for row in rows[0]] == ["1", "2", "3"]


def test_resuming_a_finished_run_changes_nothing(unbroken):
    before = unbroken.last.read_bytes()
    assert "validation mean IoU" in finish(start([*TRAIN, "-r", str(unbroken.path)]))
    assert unbroken.last.read_bytes() == before


def test_resuming_what_is_no_run(tmp_path):
    process = start([*TRAIN, "-r", str(tmp_path)])
    _, err = process.communicate()
    assert process.returncode == 1
    assert "has no config.yaml" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_the_command_proves_it():
    said = finish(start([sys.executable, "-m", "sceneseg.cli.app", "verify-resume", "--steps", "8", "--device", "cpu"]))
    assert "every weight has the same bits" in said
