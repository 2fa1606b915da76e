"""The loop: damage a healthy file, read it, and see how that ends.

A file may be accepted, or refused with a sentence; another exception, a warning, a long time or much memory is a
finding.
"""

import contextlib
import random
import resource
import signal
import traceback
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import mutate
from targets import Target

from sceneseg.errors import ScenesegError
from sceneseg.standalone import RunnerError

SECONDS = 10
"""Of processor time that reading a damaged file of a few kilobytes may take."""
MEMORY = 2**30
"""Bytes of address space that it may take beyond what is there."""


class TooSlowError(BaseException):
    """Isn't caught by anybody."""


@dataclass(frozen=True)
class Finding:
    """What shouldn't happen.

    Args:
        number: Of the input.
        kind: The exception and where it was raised; findings of one kind are reported once.
        data: The damaged file.
        trace: The traceback.
    """

    number: int
    kind: str
    data: bytes
    trace: str


@dataclass
class Tally:
    """What became of a target's inputs."""

    tried: int = 0
    refused: int = 0
    accepted: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count another tally's inputs, too."""
        self.tried, self.refused = self.tried + other.tried, self.refused + other.refused
        self.accepted += other.accepted
        self.findings += other.findings


def fuzz(target: Target, file: Path, numbers: Iterable[int], seed: int = 0) -> Tally:
    """Try damaged files.

    Args:
        target: What is read.
        file: The healthy file, in a folder of its own, which is changed.
        numbers: Of the inputs; a number and a seed always give the same.
        seed: Of the damage.
    """
    healthy, tally = file.read_bytes(), Tally()
    around = _contents(file)
    for number in numbers:
        data = damaged(target, healthy, random.Random(f"{target.name} {seed} {number}"))
        file.write_bytes(data)
        trace = outcome(target, file)
        tally.tried += 1
        if trace is None:
            tally.accepted += 1
        elif trace == "":
            tally.refused += 1
        else:
            tally.findings.append(Finding(number, _kind(trace), data, trace))
        _restore(file, around)
    file.write_bytes(healthy)
    return tally


def damaged(target: Target, healthy: bytes, rng: random.Random) -> bytes:
    """Damage a file in one of the ways that suit it."""
    ways = ["bytes"] + ["text"] * target.text + ["document"] * (3 if target.form else 0)
    way = rng.choice(ways)
    if way == "document" and target.form:
        document = mutate.damage_document(target.form.load(healthy), rng)
        with contextlib.suppress(ValueError, TypeError, OverflowError, AttributeError, RuntimeError):  # not writable
            return target.form.dump(healthy, document)
    return mutate.damage_text(healthy, rng) if way == "text" else mutate.damage_bytes(healthy, rng)


def outcome(target: Target, file: Path) -> str | None:
    """Read a file: None when it was accepted, "" when it was refused as it should, else a traceback."""
    try:
        with _limits(), warnings.catch_warnings(), contextlib.redirect_stdout(None):
            warnings.simplefilter("error")
            target.read(file)
    except (ScenesegError, RunnerError) as error:
        return "" if str(error).strip() else traceback.format_exc()
    except OSError as error:  # of the system: `sceneseg.cli.endings` makes a sentence of it
        return "" if error.errno and error.filename else traceback.format_exc()
    except (Exception, TooSlowError):
        return traceback.format_exc()
    return None


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """Break off what takes too long or too much memory."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    earlier = signal.signal(signal.SIGPROF, _too_slow)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, earlier)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _too_slow(*_: object) -> None:
    raise TooSlowError(f"over {SECONDS} seconds")


def _kind(trace: str) -> str:
    """Name an exception and the line of the project that it went through last."""
    lines = trace.strip().splitlines()
    ours = [line.strip() for line in lines if "/sceneseg/" in line and line.lstrip().startswith("File")]
    place = ours[-1].partition("/sceneseg/")[2].replace('"', "") if ours else "?"
    raised = [line for line in lines if line[:1].isalpha() and not line.startswith("Traceback")]
    return f"{raised[-1].partition(':')[0] if raised else '?'} in {place}"


def _contents(file: Path) -> set[Path]:
    return set(file.parent.rglob("*"))


def _restore(file: Path, before: set[Path]) -> None:
    """Remove what reading wrote."""
    for path in _contents(file) - before:
        if path.is_file() or path.is_symlink():
            path.unlink()
