"""A process that runs commands in children which are killed; it has imported what takes long, so that each starts soon.

It reads a request a line from its standard input, JSON (see `serve`), and answers each with a line.
"""

import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "shutil.rmtree", "os.link"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND


def sceneseg(*arguments: str) -> None:
    """Run the command line."""
    from sceneseg.cli.app import main

    if arguments[:2] == ("data", "pack"):
        from sceneseg.packing import pack

        pack.SHARD_SCENES = 2  # so that a few scenes fill several shards
    main(arguments)


def fetch(address: str, size: str, root: str) -> None:
    """Fetch a made-up data set."""
    from sceneseg.fetching.datasets import Archive, Source, fetch

    archive = Archive(address, int(size))
    fetch(Source("toyset", "Toy", "Free.", "https://example.org", (archive,), ("train",), ""), Path(root))


CALLS: dict[str, Callable[..., None]] = {"sceneseg": sceneseg, "fetch": fetch}


def serve(
    call: str, arguments: list[str], at: int | None, after: float | None, alone: bool, log: str
) -> dict[str, Any]:
    """Run a command in a child.

    Args:
        call: Which of `CALLS`.
        arguments: Its arguments.
        at: The change of a file, counted from 1, before which the child kills itself; None: it doesn't.
        after: Seconds after which it is killed; None: it isn't.
        alone: Whether its own children are left to themselves.
        log: File for what it prints.

    Returns:
        Its exit code, negative for a signal; the changes of files, where it came to its end; the seconds it took.
    """
    reading, writing = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setsid()
        _run(CALLS[call], arguments, at, log, writing)
    os.close(writing)
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if after is not None and time.monotonic() - start > after:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    seconds = time.monotonic() - start
    if not alone:
        kill_session(child)
    with os.fdopen(reading, "rb") as pipe:
        os.set_blocking(reading, False)
        said = pipe.read()
    return {"code": os.waitstatus_to_exitcode(ended[1]), "events": int(said or 0), "seconds": seconds, "pid": child}


def kill_session(leader: int) -> None:
    """Kill what is left of the processes that a child has started."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                os.kill(int(stat.parent.name), signal.SIGKILL)
        except (OSError, ValueError):  # it has ended by itself
            continue


def _run(call: Callable[..., None], arguments: list[str], at: int | None, log: str, pipe: int) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    events = 0

    def hear(event: str, given: tuple[Any, ...]) -> None:
        nonlocal events
        if event in EVENTS or (event == "open" and isinstance(given[2], int) and given[2] & WRITING):
            events += 1
            if events == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)
    code = 0
    try:
        call(*arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException as error:  # what a process that wasn't forked would do
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(pipe, str(events).encode())
    os._exit(code)


if __name__ == "__main__":
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        print(json.dumps(serve(**json.loads(line))), flush=True)
