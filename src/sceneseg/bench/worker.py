"""Measuring process of one candidate: ``python -m sceneseg.bench.worker``.

A process of its own, because only then loading time and memory are the candidate's alone, threads of one engine
don't keep another waiting, and one that runs out of memory ends nobody else. It reads a job (JSON, one line), loads,
predicts once and reports what that took; then it computes what it is asked for, one turn per line, and answers seconds.
"""

import gc
import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

import numpy as np

from sceneseg.bench.engines import engines
from sceneseg.bench.job import Answer, Job, Loaded
from sceneseg.bench.memory import resident
from sceneseg.bench.record import Memory
from sceneseg.errors import ScenesegError
from sceneseg.user_files import allow


def main() -> None:
    """Work until the parent has no more lines."""
    told, answers = sys.stdin, os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what an engine prints must not come between the answers
    try:
        _work(Job.from_line(told.readline()), told, answers)
    except ScenesegError as error:
        _answer(answers, Answer(error=str(error)))
    except Exception as error:  # whatever it was, it is this candidate's result
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        _answer(answers, Answer(error=f"{type(error).__name__}: {first}"))


def _work(job: Job, told: TextIO, answers: TextIO) -> None:
    allow(*job.allowed)
    images = np.load(job.images)
    engines.get(job.candidate.engine)  # imports it
    imported, libraries = time.monotonic(), resident()
    engine = engines.create(job.candidate.engine, job=job)
    loaded = time.monotonic()
    loaded_mib = resident()
    labels = engine.predict(images)
    predicted = time.monotonic()
    np.save(job.labels, labels)
    memory = Memory(libraries, loaded_mib, resident("VmHWM"), engine.memory())
    _answer(answers, Answer(Loaded(imported, loaded - imported, predicted - loaded, memory)))
    gc.collect()
    gc.freeze()
    gc.disable()  # collecting isn't what is measured
    calls: dict[str, Callable[[], object]] = {"whole": lambda: engine.predict(images)}
    for line in told:
        part = line.strip()
        if part not in calls:
            calls[part] = engine.network(images)
        time_call = engine.time_network if part == "network" else engine.time
        _answer(answers, Answer(seconds=time_call(calls[part])))


def _answer(answers: TextIO, answer: Answer) -> None:
    answers.write(answer.to_line() + "\n")


if __name__ == "__main__":
    main()
