import time

import pytest
import torch

from sceneseg.bench.latency import in_turns, interleaved, summarize, whole_prediction
from sceneseg.bench.memory import MIB, peak_growth, resident
from sceneseg.config.conversion import from_dict
from sceneseg.config.schema import Config
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.inference.predictor import SemanticModel
from sceneseg.tasks.semantic import create_model


@pytest.fixture(scope="module")
def model() -> SemanticModel:
    config: Config = from_dict({"model": {"name": "fast_scnn"}})
    return create_model(config, LABEL_SPACE, "32-true")


def test_a_whole_prediction_is_timed(model):
    timing = whole_prediction(model, (64, 128), repetitions=5, warmup=1)
    assert 0 < timing.p50_ms <= timing.p95_ms
    assert timing.repetitions == 5


def test_several_models_are_timed_alike(model):
    told = []
    both = interleaved({"a": model, "b": model}, (64, 128), 3, 1, lambda done, total: told.append((done, total)))
    assert set(both) == {"a", "b"}
    assert told[-1] == (8, 8)


def test_every_round_calls_each_once():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "abc"}
    seconds = in_turns(calls, repetitions=2, warmup=1)
    assert [sorted(order[i : i + 3]) for i in (0, 3, 6)] == [["a", "b", "c"]] * 3
    assert all(len(times) == 2 for times in seconds.values())
    assert order[0] != order[3]  # the order changes


def test_waiting_for_the_device_counts():
    seconds = in_turns({"a": lambda: None}, 1, 0, synchronize=lambda: time.sleep(0.05))["a"]
    assert 0.05 <= seconds[0] < 0.1  # after the call, not before


def test_percentiles_are_of_milliseconds():
    timing = summarize([0.001 * i for i in range(1, 102)])
    assert (timing.p50_ms, timing.p95_ms) == (51, 96)


@pytest.mark.skipif(resident() is None, reason="only Linux tells a process's memory")
def test_memory_is_what_a_call_needs_at_its_peak():
    def call() -> torch.Tensor:
        return (torch.ones(32 * MIB // 4) + 1).sum()  # two blocks of 32 MiB at once

    call()
    assert peak_growth(call) == pytest.approx(64, abs=4)
    assert peak_growth(lambda: None) < 2
