"""Latencies of a comparison are checked as they are read."""

import json
from pathlib import Path

import pytest

from sceneseg.errors import RunError
from sceneseg.records.environment import Environment
from sceneseg.records.latency import Latency, LatencyRecord, TimedWeights, read_latency, write_latency
from sceneseg.records.run_directory import ComparisonDirectory

EARLIER = Path(__file__).parent / "comparisons_0_1_0"

WEIGHTS = {"a": TimedWeights("../a", "00ff")}
RECORD = LatencyRecord(
    (64, 128), 30, "cpu", {"a": Latency(8.1, 9.0, None, 30, 8.0, 8.3)}, Environment(cpu="A", threads=2), "auto", WEIGHTS
)


def test_no_file_is_no_measurement(tmp_path):
    assert read_latency(ComparisonDirectory(tmp_path)) is None


def test_latencies_are_read_again(tmp_path):
    comparison = ComparisonDirectory(tmp_path)
    write_latency(comparison, RECORD)
    assert read_latency(comparison) == RECORD


@pytest.mark.parametrize("name", ["experiment", "finished_runs"])
def test_latencies_of_0_1_0_have_no_quartiles(name):
    record = read_latency(ComparisonDirectory(EARLIER / name))
    assert record.size == (64, 128)
    assert record.models
    for latency in record.models.values():
        assert latency.p95_ms >= latency.p50_ms > 0
        assert latency.p25_ms is latency.p75_ms is None


def test_facts_of_a_later_version_are_left_out(tmp_path):
    comparison = ComparisonDirectory(tmp_path)
    data = RECORD.to_dict()
    comparison.latency.write_text(json.dumps(data | {"environment": data["environment"] | {"moon": "full"}}))
    assert read_latency(comparison) == RECORD


def test_a_measurement_answers_one_question():
    assert RECORD.answers((64, 128), 30, "auto", WEIGHTS)
    assert not RECORD.answers((64, 128), 30, "cpu", WEIGHTS)
    assert not RECORD.answers((64, 64), 30, "auto", WEIGHTS)
    assert not RECORD.answers((64, 128), 30, "auto", {"a": TimedWeights("../a", "00fe")})


def test_the_machine():
    assert (RECORD.machine, RECORD.threads) == ("A", 2)
    gpu = LatencyRecord((64, 128), 30, "cuda:0", {}, Environment(cpu="A", gpu="B", threads=2))
    assert (gpu.machine, gpu.threads) == ("B", None)


@pytest.mark.parametrize(
    ("changes", "at_fault"),
    [
        ({"models": None}, "models"),
        ({"models": {"a": {"p50_ms": -1}}}, "times and memory of a"),
        ({"models": {"a": {"p50_ms": 1, "peak_mib": -1}}}, "times and memory of a"),
        ({"models": {"a": {"p95_ms": 1}}}, "models.a.p50_ms"),
        ({"size": [64]}, "size"),
        ({"size": [0, 64]}, "size"),
        ({"device": 3}, "device"),
        ({"failed": []}, "failed"),
    ],
)
def test_damaged_latencies(tmp_path, changes, at_fault):
    comparison = ComparisonDirectory(tmp_path)
    comparison.latency.write_text(json.dumps(RECORD.to_dict() | changes))
    with pytest.raises(RunError, match=f"latency.json: damaged: .*{at_fault}"):
        read_latency(comparison)
