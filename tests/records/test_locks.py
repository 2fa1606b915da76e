"""Locks on folders: one process at a time, and a dead one holds nothing."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from sceneseg.errors import RunError, TransferError
from sceneseg.records import locks
from sceneseg.records.locks import LOCK, alone

HOLD = """
import sys, time
from pathlib import Path
from sceneseg.records.locks import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """A process that holds the folder."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_who_holds_the_folder(other, tmp_path):
    said = f"process {other.pid} on {re.escape(socket.gethostname())} .*Wait for it or end it"
    with pytest.raises(RunError, match=said), alone(tmp_path):
        pass
    with pytest.raises(TransferError, match="is fetched by process"), alone(tmp_path, "is fetched by", TransferError):
        pass


def test_a_killed_process_holds_nothing(other, tmp_path):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == other.pid, "it had no time to clean up"
    with alone(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert not (tmp_path / LOCK).exists()


def test_one_may_wait_for_the_other(other, tmp_path):
    other.send_signal(signal.SIGTERM)
    with alone(tmp_path, wait=20):
        pass


def test_within_a_process_and_after_an_error(tmp_path):
    with alone(tmp_path):
        for _ in range(2):  # being refused gives nothing back
            with pytest.raises(RunError, match="this process"), alone(tmp_path):
                pass
    with pytest.raises(KeyboardInterrupt), alone(tmp_path):
        raise KeyboardInterrupt
    with alone(tmp_path):
        pass


@pytest.mark.parametrize(
    ("owner", "free"),
    [
        ({"pid": os.getppid(), "host": socket.gethostname()}, False),
        ({"pid": 2**22 + 1, "host": socket.gethostname()}, True),  # above the highest number of a process
        ({"pid": 2**22 + 1, "host": "elsewhere"}, False),
        ({"pid": os.getpid(), "host": socket.gethostname()}, True),  # of a process before this one
        (None, True),
    ],
)
def test_on_file_systems_without_locks_process_and_host_decide(tmp_path, monkeypatch, owner, free):
    monkeypatch.setattr(locks, "_lock", lambda handle: None)
    (tmp_path / LOCK).write_text("" if owner is None else json.dumps(owner))
    if free:
        with alone(tmp_path):
            pass
    else:
        said = rf"process {owner['pid']} on .*delete {re.escape(str(tmp_path / LOCK))}"
        with pytest.raises(RunError, match=said), alone(tmp_path):
            pass
        assert json.loads((tmp_path / LOCK).read_text()) == owner
