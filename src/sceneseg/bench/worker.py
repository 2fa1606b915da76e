"""Measuring process of one candidate: ``python -m sceneseg.bench.worker``.

A process of its own, because only then loading time and memory are the candidate's alone, threads of one engine
don't keep another waiting, and one that runs out of memory ends nobody else. It reads a job (JSON, one line), loads,
predicts once and reports what that took; then it computes what it is asked for, one turn per line, and answers seconds.
"""

import gc
import json
import os
import sys
import time
from typing import Any, TextIO

import numpy as np

from sceneseg.bench.engines import engines
from sceneseg.bench.job import Job
from sceneseg.bench.memory import resident
from sceneseg.errors import ScenesegError
from sceneseg.user_files import allow


def main() -> None:
    """Work until the parent has no more lines."""
    told, answers = sys.stdin, os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what an engine prints must not come between the answers
    try:
        _work(Job.from_dict(json.loads(told.readline())), told, answers)
    except ScenesegError as error:
        _answer(answers, {"error": str(error)})
    except Exception as error:  # any error is this candidate's result
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        _answer(answers, {"error": f"{type(error).__name__}: {first}"})


def _work(job: Job, told: TextIO, answers: TextIO) -> None:
    allow(*job.allowed)
    images = np.load(job.images)
    maker: Any = engines.get(job.candidate.engine)
    imported, libraries = time.monotonic(), resident()
    engine = engines.create(job.candidate.engine, job=job)
    loaded = time.monotonic()
    loaded_mib = resident()
    labels = engine.predict(images)
    predicted = time.monotonic()
    np.save(job.labels, labels)
    facts = {
        "imported": imported,  # by a clock that all processes share
        "load_s": loaded - imported,
        "first_s": predicted - loaded,
        "memory": {
            "libraries_mib": libraries,
            "loaded_mib": loaded_mib,
            "peak_mib": resident("VmHWM"),
            "gpu_peak_mib": engine.memory(),
        },
        "engine": maker.__name__,
    }
    _answer(answers, facts)
    gc.collect()
    gc.freeze()
    gc.disable()  # collecting isn't what is measured
    calls: dict[str, Any] = {"whole": lambda: engine.predict(images)}
    for line in told:
        part = line.strip()
        if part not in calls:
            calls[part] = engine.network(images)
        time_call = engine.time_network if part == "network" else engine.time
        _answer(answers, {"seconds": time_call(calls[part])})


def _answer(answers: TextIO, facts: dict[str, Any]) -> None:
    answers.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
