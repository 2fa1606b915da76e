"""Isolated training, in a process of its own: the memory is freed at its end, and what ends it ends nothing else."""

import logging
import multiprocessing
import os
import shutil
import signal
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

from sceneseg.config.conversion import from_dict
from sceneseg.errors import hide_library_warnings, reason_of
from sceneseg.records.experiment_progress import Outcome
from sceneseg.records.locks import LOCK, alone
from sceneseg.records.run_directory import MARKER, RunDirectory, write_text
from sceneseg.training.interrupt import Interrupt
from sceneseg.user_files import allow, allowed

LOG = logging.getLogger(__name__)
if TYPE_CHECKING:
    from sceneseg.training.budget import StepBudget

ASKED_TO_STOP = {-signal.SIGTERM, -signal.SIGINT}
PATIENCE = 60.0
"""Seconds that a training may take to save its state after its parent has ended."""


@dataclass
class _Messages:
    """Messages of the process so far: the steps that fit into its time, and how it ended."""

    budget: "StepBudget | None" = None
    outcome: Outcome | None = None

    def take(self, message: "StepBudget | Outcome | logging.LogRecord") -> None:
        if isinstance(message, logging.LogRecord):
            LOG.handle(message)
        elif isinstance(message, Outcome):
            self.outcome = message
        else:
            self.budget = message


def train_isolated(config: Mapping[str, object], run: RunDirectory, seconds: float | None = None) -> Outcome:
    """Train, or resume a run that has a saved state, and wait for the end.

    Ctrl-C and SIGTERM are passed on; the training then saves its state and ends.

    Args:
        config: The configuration as plain data, which the process checks.
        run: Its folder; one that has no saved state is made anew.
        seconds: Time of training to choose the number of steps by; None: as configured.

    Returns:
        How it ended; with the measured steps, if it got a time.

    Raises:
        RunError: Another process trains it.
    """
    if reason := _clear(run):
        return Outcome("failed", reason)
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_train, args=(config, str(run.path), seconds, sender, allowed()))
    messages = _Messages()
    with Interrupt() as interrupt:
        process.start()
        sender.close()
        passed_on = False
        try:
            while not _listen(receiver, messages, process.sentinel):
                if interrupt.requested and not passed_on:
                    passed_on = True
                    process.terminate()
            process.join()
        except BaseException:
            process.kill()
            raise
    return _outcome(messages, process.exitcode or 0)


def _clear(run: RunDirectory) -> str:
    """Remove the rest of a training that was stopped before its first saved state.

    Returns:
        Why a training can't begin there; empty when it can.
    """
    if not os.path.lexists(run.path):
        return ""
    if run.path.is_symlink() or not run.path.is_dir():
        return f"{run.path} isn't a folder of this comparison. Move it away, then retry"
    with alone(run.path, "is trained by", wait=PATIENCE):  # by a process whose parent was killed, and which ends soon
        if run.state.is_file() and run.config.is_file():
            return ""
        ours = (run.path / MARKER).is_file() or not any(file.name != LOCK for file in run.path.iterdir())
        if not ours:
            return (
                f"{run.path} holds files, but no saved state to resume from, and isn't removed, as nothing in it shows "
                f"that sceneseg made it ({MARKER}). Move it away, then retry"
            )
        shutil.rmtree(run.path)
    return ""


def _listen(receiver: Connection, messages: _Messages, sentinel: int) -> bool:
    """Take a message of the process; return whether it has ended."""
    ready = wait([receiver, sentinel], timeout=0.2)
    if receiver in ready:
        try:
            messages.take(receiver.recv())
        except EOFError:
            return True
    return ready == [sentinel]


def _outcome(messages: _Messages, exitcode: int) -> Outcome:
    ended = messages.outcome or _ended_without_a_word(exitcode)
    if messages.budget is None:
        return ended
    return replace(ended, seconds_per_step=messages.budget.seconds_per_step, steps=messages.budget.steps)


def _ended_without_a_word(exitcode: int) -> Outcome:
    if exitcode in ASKED_TO_STOP:
        return Outcome("interrupted", "stopped before its first saved state")
    if exitcode == -signal.SIGKILL:
        return Outcome("failed", "ended by the system (SIGKILL), most often because memory ran out")
    name = signal.Signals(-exitcode).name if exitcode < 0 else f"exit code {exitcode}"
    return Outcome("failed", f"its process broke off ({name})")


class Forward(logging.Handler):
    """Sends what the training logs to its parent, which logs it again.

    Args:
        sender: Leads to the parent.
    """

    def __init__(self, sender: Connection) -> None:
        super().__init__()
        self._sender = sender

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record as plain text."""
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        self._sender.send(record)


def _train(
    plain: Mapping[str, object], path: str, seconds: float | None, sender: Connection, files: tuple[str, ...]
) -> None:
    """Run in the isolated process: train, and send how it ended."""
    hide_library_warnings()
    allow(*files)
    os.setpgid(0, 0)  # Ctrl-C reaches the parent alone, which passes it on once
    threading.Thread(target=_end_with_parent, daemon=True).start()
    package = logging.getLogger("sceneseg")
    package.setLevel(logging.INFO)
    package.addHandler(Forward(sender))
    run = RunDirectory(Path(path))
    try:
        finished = _start(plain, run, seconds, sender)
    except KeyboardInterrupt:
        return
    except Exception as error:  # on any error the comparison continues with the next candidate
        write_text(run.path.with_name(f"{run.path.name}.error.txt"), traceback.format_exc())
        sender.send(Outcome("failed", reason_of(error)))
    else:
        sender.send(Outcome("finished") if finished else Outcome("interrupted", "interrupted"))


def _start(plain: Mapping[str, object], run: RunDirectory, seconds: float | None, sender: Connection) -> bool:
    from sceneseg.training import start
    from sceneseg.training.budget import fit_into

    if run.state.is_file():
        return start.resume(run, {})
    config = from_dict(plain)
    if seconds is not None:
        config, budget = fit_into(config, seconds)
        sender.send(budget)
    return start.start(replace(config, name=run.path.name), run.path.parent)[1]


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)  # the training saves its state and ends
