"""Measuring candidates against each other: each in a process of its own, all taking turns."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from sceneseg.arrays import ImageSize
from sceneseg.bench.images import street_images
from sceneseg.bench.job import Answer, Candidate, Job
from sceneseg.bench.record import Memory, Result, Settings, Times
from sceneseg.records.temporaries import temporary_folder
from sceneseg.user_files import allowed

Say = Callable[[str, int, int], object]
PARTS = {"whole": "whole predictions", "network": "networks alone"}
LEAST = 3  # repetitions, however slow
SPARE = 1.5  # a further process is started where so many times the largest one's memory is free


def measure(
    candidates: Sequence[Candidate],
    size: ImageSize,
    batch: int,
    device: str,
    threads: int,
    settings: Settings,
    say: Say,
) -> list[Result]:
    """Measure candidates at one size and batch.

    They are loaded one after the other and stay; then each round lets every one compute once, in changing order. When
    memory gets short, those that are loaded are measured and ended before the next ones are loaded.

    Args:
        candidates: What is measured.
        size: (height, width) of the images.
        batch: Images at once.
        device: cpu or cuda.
        threads: Of each engine, on the CPU.
        settings: Repetitions.
        say: Called with what is being done, and the numbers of steps done and in all.

    Returns:
        One result per candidate, in their order.
    """
    results: list[Result] = []
    labels: dict[tuple[str, str], Path] = {}
    with temporary_folder("sceneseg-bench") as folder:
        images = folder / "images.npy"
        np.save(images, street_images(size, batch))
        waiting = list(enumerate(candidates))
        while waiting:
            with ExitStack() as stack:
                group: list[Worker] = []
                while waiting and not (group and short_of_memory(group)):
                    number, candidate = waiting.pop(0)
                    say(f"loading {candidate.name}, {candidate.engine}", number, len(candidates))
                    job = Job(candidate, str(images), str(folder / f"{number}.npy"), device, threads, allowed())
                    group.append(stack.enter_context(Worker(job)))
                    labels[candidate.name, candidate.engine] = Path(job.labels)
                take_turns(group, settings, say)
                results += [worker.result(size, batch, len(group) - 1) for worker in group]
        return [_with_equal_pixels(result, labels) for result in results]


def take_turns(group: "Sequence[Worker]", settings: Settings, say: Say) -> None:
    """Run the workers in turns until each has done its repetitions or used up its time."""
    rounds = settings.warmup + settings.repetitions
    for turn in range(rounds):
        for part, what in PARTS.items():
            for i in range(len(group)):
                worker = group[(turn + i) % len(group)]  # nobody always follows the same neighbor's leftovers
                if worker.wants_turn(part, turn - settings.warmup, settings.seconds):
                    say(f"{what}: {worker.job.candidate.name}, {worker.job.candidate.engine}", turn, rounds)
                    worker.turn(part, turn >= settings.warmup)


def short_of_memory(group: "Sequence[Worker]") -> bool:
    """Return whether a further process as large as the largest of the group might not fit."""
    peaks = [worker.memory.peak_mib or 0.0 for worker in group if worker.memory]
    free = available_mib()
    return free is not None and free < SPARE * max(peaks, default=0.0)


def available_mib() -> float | None:
    """Return the memory that is free for new processes, MiB; None outside Linux."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:")), None)


class Worker:
    """A process that measures one candidate; a context that ends it.

    Args:
        job: What it measures.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.error: str | None = None
        self.seconds: dict[str, list[float]] = {part: [] for part in PARTS}
        self.spent = dict.fromkeys(PARTS, 0.0)
        self.started = time.monotonic()
        # A session of its own: Ctrl-C reaches the parent alone, which then ends the worker and its threads.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sceneseg.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(job.threads),
            start_new_session=True,
        )
        self.loaded = self._ask(job.to_line()).loaded
        self.memory = self.loaded and self.loaded.memory

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in self._pipes():
            pipe.close()

    def wants_turn(self, part: str, repetition: int, seconds: float) -> bool:
        """Return whether the worker can and should compute once more."""
        return self.error is None and (repetition < LEAST or self.spent[part] < seconds)

    def turn(self, part: str, counts: bool) -> None:
        """Run the worker once."""
        seconds = self._ask(part).seconds
        if seconds is not None:
            self.spent[part] += seconds
            if counts:
                self.seconds[part].append(seconds)

    def result(self, size: ImageSize, batch: int, neighbors: int) -> Result:
        """Summarize."""
        candidate = self.job.candidate
        result = Result(
            candidate.name, candidate.engine, candidate.weights, size, batch, self.job.device, self.job.threads
        )
        if self.error is not None or self.loaded is None:
            return dataclasses.replace(result, error=self.error)
        memory = dataclasses.asdict(self.loaded.memory)
        return dataclasses.replace(
            result,
            start_s=round(self.loaded.imported - self.started, 3),
            load_s=round(self.loaded.load_s, 3),
            first_s=round(self.loaded.first_s, 3),
            memory=Memory(**{k: v and round(v, 1) for k, v in memory.items()}),
            whole=summary(self.seconds["whole"], batch),
            network=summary(self.seconds["network"], batch),
            calibration=candidate.calibration,
            neighbors=neighbors,
        )

    def _ask(self, line: str) -> Answer:
        told, answers = self.process.stdin, self.process.stdout
        assert told is not None
        assert answers is not None
        try:
            told.write(line + "\n")
            told.flush()
            answer = Answer.from_line(answers.readline())
        except (BrokenPipeError, ValueError):
            answer = Answer(error=self._end())
        self.error = answer.error
        return answer

    def _end(self) -> str:
        code = self.process.wait()
        if code == -signal.SIGKILL:
            return "was killed by the system, probably because it ran out of memory"
        return f"its process ended with code {code}"

    def _pipes(self) -> Iterator[IO[str]]:
        yield from (pipe for pipe in (self.process.stdin, self.process.stdout) if pipe is not None)


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker, which limits the threads of every library."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads)), "OPENCV_FOR_THREADS_NUM": "1"}


def summary(seconds: Sequence[float], batch: int) -> Times | None:
    """Summarize the seconds of each repetition; None when there were none."""
    if not seconds:
        return None
    p50, p95 = np.percentile(np.asarray(seconds) * 1000, (50, 95))
    rate = batch * len(seconds) / sum(seconds)
    return Times(round(float(p50), 3), round(float(p95), 3), round(rate, 3), len(seconds))


def _with_equal_pixels(result: Result, labels: dict[tuple[str, str], Path]) -> Result:
    own, eager = (labels.get((result.name, engine)) for engine in (result.engine, "eager"))
    if result.error or own is None or eager is None or not own.is_file() or not eager.is_file():
        return result
    return dataclasses.replace(result, equal_pixels=round(float((np.load(own) == np.load(eager)).mean()), 6))
