import os
import signal

import numpy as np
import pytest

from sceneseg.bench import session
from sceneseg.bench.engines import engines
from sceneseg.bench.job import Candidate, Job
from sceneseg.bench.record import Settings
from sceneseg.bench.session import Worker, measure, short_of_memory, take_turns

QUICK = Settings(repetitions=3, warmup=1, seconds=5.0)


def quiet(what: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def job(tmp_path) -> Job:
    images = tmp_path / "images.npy"
    np.save(images, np.zeros((2, 64, 96, 3), np.uint8))
    candidate = Candidate("fast_scnn", "eager", model={"name": "fast_scnn"})
    return Job(candidate, str(images), str(tmp_path / "labels.npy"), "cpu", 1)


def test_candidates_are_measured_and_compared():
    wanted = {"name": "fast_scnn"}
    candidates = [Candidate("fast_scnn", engine, model=wanted) for engine in ("eager", "sceneseg")]
    candidates.append(Candidate("lost", "eager", weights="nowhere.safetensors"))
    said = []
    results = measure(candidates, (64, 96), 2, "cpu", 1, QUICK, lambda what, *_: said.append(what))
    eager, ours, lost = results
    assert [(r.name, r.engine) for r in results] == [(c.name, c.engine) for c in candidates]
    for result in (eager, ours):
        assert result.error is None
        for times in (result.whole, result.network):
            assert 0 < times.p50_ms <= times.p95_ms
            assert times.repetitions == 3
        assert result.whole.images_per_s == pytest.approx(2000 / result.whole.p50_ms, rel=0.5)
        assert 0 < result.memory.libraries_mib <= result.memory.loaded_mib <= result.memory.peak_mib
    assert eager.equal_pixels == 1
    assert ours.equal_pixels > 0.9
    assert "nowhere.safetensors: there is no such weights file" in lost.error
    assert lost.whole is None
    assert said[:2] == ["loading fast_scnn, eager", "loading fast_scnn, sceneseg"]


def test_a_worker_that_dies_is_a_result(job):
    with Worker(job) as worker:
        assert worker.error is None
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.turn("whole", True)
        assert "out of memory" in worker.error
        assert not worker.wants_turn("whole", 0, 10)
        assert worker.result((64, 96), 2, 0).error == worker.error
    assert worker.process.poll() is not None


class FakeWorker:
    """Takes a set time per turn."""

    def __init__(self, name: str, seconds: float, order: list[str]) -> None:
        self.job = Job(Candidate(name, "eager"), "", "", "cpu", 1)
        self.error, self.each, self.order = None, seconds, order
        self.spent = {"whole": 0.0, "network": 0.0}

    wants_turn = Worker.wants_turn

    def turn(self, part: str, counts: bool) -> None:
        self.spent[part] += self.each
        self.order.append((part, self.job.candidate.name, counts))


def test_slow_candidates_stop_after_three_repetitions_and_the_order_changes():
    order: list = []
    take_turns([FakeWorker("slow", 60, order), FakeWorker("fast", 1, order)], Settings(10, 1, 30.0), quiet)
    whole = [(name, counts) for part, name, counts in order if part == "whole"]
    assert whole.count(("slow", True)) == 3
    assert whole.count(("fast", True)) == 10
    assert whole.count(("slow", False)) == whole.count(("fast", False)) == 1
    assert [name for name, _ in whole[:4]] == ["slow", "fast", "fast", "slow"]


def test_memory_decides_how_many_are_loaded_at_once(job, monkeypatch):
    with Worker(job) as worker:
        peak = worker.memory.peak_mib
        monkeypatch.setattr(session, "available_mib", lambda: 1.4 * peak)
        assert short_of_memory([worker])
        monkeypatch.setattr(session, "available_mib", lambda: 1.6 * peak)
        assert not short_of_memory([worker])
        monkeypatch.setattr(session, "available_mib", lambda: None)
        assert not short_of_memory([worker])


def test_engines_say_why_they_cannot_compute():
    assert "cuda" in engines.get("cuda_graph").missing("cpu")
    assert engines.get("eager").missing("cuda") is None
    assert engines.resolve("ort-int8") == "onnxruntime_int8"
