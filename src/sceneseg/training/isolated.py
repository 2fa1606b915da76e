"""Training in a process of its own: its memory is given back at the end, and what ends it ends nothing else."""

import multiprocessing
import os
import shutil
import signal
import threading
import traceback
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

from sceneseg.config.conversion import from_dict
from sceneseg.errors import ScenesegError, hide_library_warnings
from sceneseg.records.locks import LOCK, alone
from sceneseg.records.run_directory import MARKER, RunDirectory, write_text
from sceneseg.training.interrupt import Interrupt

State = Literal["finished", "interrupted", "failed"]
ASKED_TO_STOP = {-signal.SIGTERM, -signal.SIGINT}
PATIENCE = 60.0
"""Seconds that a training may take to save its state after its parent has ended."""


@dataclass(frozen=True)
class Outcome:
    """What became of a training.

    Args:
        state: finished, interrupted (its state is saved as far as it came), or failed.
        reason: Why it isn't finished, one sentence.
        facts: What else it told, for example the steps that its budget allows.
    """

    state: State
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def train_apart(config: dict[str, Any], run: RunDirectory, seconds: float | None = None) -> Outcome:
    """Train, or go on with a run that has a saved state, and wait for the end.

    Ctrl-C and SIGTERM are passed on; the training then saves its state and ends.

    Args:
        config: The configuration as plain data.
        run: Its folder; one that has no saved state is made anew.
        seconds: Time of training to choose the number of steps by; None: as configured.

    Raises:
        RunError: Another process trains it.
    """
    if reason := _clear(run):
        return Outcome("failed", reason)
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_train, args=(config, str(run.path), seconds, sender))
    said: dict[str, Any] = {}
    with Interrupt() as interrupt:
        process.start()
        sender.close()
        passed_on = False
        try:
            while not _listen(receiver, said, process.sentinel):
                if interrupt.requested and not passed_on:
                    passed_on = True
                    process.terminate()
            process.join()
        except BaseException:
            process.kill()
            raise
    return _outcome(said, process.exitcode or 0)


def _clear(run: RunDirectory) -> str:
    """Remove what is left of a training that was stopped before anything worth keeping was saved.

    Returns:
        Why a training can't begin there; empty when it can.
    """
    if not os.path.lexists(run.path):
        return ""
    if run.path.is_symlink() or not run.path.is_dir():
        return f"{run.path} isn't a folder of this comparison. Move it away, then give the command with --retry"
    with alone(run.path, "is trained by", wait=PATIENCE):  # by a process whose parent was killed, and which ends soon
        if run.state.is_file() and run.config.is_file():
            return ""
        ours = (run.path / MARKER).is_file() or not any(file.name != LOCK for file in run.path.iterdir())
        if not ours:
            return (
                f"{run.path} holds files, but no saved state to go on from, and isn't removed, as nothing in it says "
                f"that sceneseg made it ({MARKER}). Move it away, then give the command with --retry"
            )
        shutil.rmtree(run.path)
    return ""


def _listen(receiver: Connection, said: dict[str, Any], sentinel: int) -> bool:
    """Take in what the process says; return whether it has ended."""
    ready = wait([receiver, sentinel], timeout=0.2)
    if receiver in ready:
        try:
            said |= receiver.recv()
        except EOFError:
            return True
    return ready == [sentinel]


def _outcome(said: dict[str, Any], exitcode: int) -> Outcome:
    facts = {k: v for k, v in said.items() if k not in {"state", "reason"}}
    if "state" in said:
        return Outcome(said["state"], said["reason"], facts)
    if exitcode in ASKED_TO_STOP:
        return Outcome("interrupted", "stopped before its first saved state", facts)
    if exitcode == -signal.SIGKILL:
        return Outcome("failed", "ended by the system (SIGKILL), most often because memory ran out", facts)
    name = signal.Signals(-exitcode).name if exitcode < 0 else f"exit code {exitcode}"
    return Outcome("failed", f"its process broke off ({name})", facts)


def _train(plain: dict[str, Any], path: str, seconds: float | None, sender: Connection) -> None:
    """Run in the process apart: train, and say how it went."""
    hide_library_warnings()
    os.setpgid(0, 0)  # Ctrl-C reaches the parent alone, which passes it on once
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run = RunDirectory(Path(path))
    try:
        finished = _start(plain, run, seconds, sender)
    except KeyboardInterrupt:
        return
    except Exception as error:
        write_text(run.path.with_name(f"{run.path.name}.error.txt"), traceback.format_exc())
        sender.send({"state": "failed", "reason": reason_of(error)})
    else:
        sender.send({"state": "finished" if finished else "interrupted", "reason": "" if finished else "interrupted"})


def _start(plain: dict[str, Any], run: RunDirectory, seconds: float | None, sender: Connection) -> bool:
    from sceneseg.training import start
    from sceneseg.training.budget import fit_into

    if run.state.is_file():
        return start.resume(run, {})
    config = from_dict(plain)
    if seconds is not None:
        config, facts = fit_into(config, seconds)
        sender.send(facts)
    return start.start(replace(config, name=run.path.name), run.path.parent)[1]


def reason_of(error: BaseException) -> str:
    """Say in one sentence what went wrong."""
    text = str(error).strip()
    if isinstance(error, ScenesegError):
        return text
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text.lower():
        return f"ran out of memory ({text.splitlines()[0] if text else type(error).__name__})"
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)  # the training saves its state and ends
