import dataclasses
import json

import pytest

from sceneseg.bench.record import SCHEMA, Memory, Record, Result, Settings, Times, parse
from sceneseg.bench.table import failures, ratio, tables
from sceneseg.errors import DataError
from sceneseg.records.environment import Environment

TIMES = Times(100.0, 120.0, 10.0, 20)
RESULTS = [
    Result(
        *("unet", "eager", None, (64, 128), 1, "cpu", 2, 1.0, 0.5, 0.2),
        memory=Memory(300.0, 350.0, 900.5, None),
        whole=TIMES,
        network=TIMES,
        equal_pixels=1.0,
    ),
    Result(
        *("unet", "sceneseg", None, (64, 128), 1, "cpu", 2, 1.0, 0.5, 0.2),
        memory=Memory(None, None, None, None),
        whole=dataclasses.replace(TIMES, p50_ms=25.0),
    ),
    Result("unet", "compile", None, (64, 128), 1, "cpu", 2, error="was killed"),
]
RECORD = Record(SCHEMA, Environment(cpu="one"), Settings(20, 3, 30.0), RESULTS)


def test_a_record_is_read_as_it_was_written(tmp_path):
    RECORD.write(tmp_path / "bench.json")
    assert Record.read(tmp_path / "bench.json") == RECORD


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("results", 0, "whole", "p50_ms"), "fast", r"results.0.whole.p50_ms must be a number, found 'fast'"),
        (("results", 1, "size"), [64], "results.1.size must be a list"),
        (("results", 1, "batch"), None, "results.1.batch must be a whole number, found None"),
        (("results", 0, "speed"), 1, "unknown key results.0.speed"),
        (("settings", "warmup"), True, "settings.warmup must be a whole number"),
        (("schema",), "other", "expected a measurement with the schema \"sceneseg-bench-1\", found 'other'"),
    ],
)
def test_a_file_of_another_layout_is_refused(path, value, complaint):
    data = json.loads(json.dumps(dataclasses.asdict(RECORD)))
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(DataError, match=complaint):
        parse(data, "file")


def test_a_missing_key_is_named():
    data = json.loads(json.dumps(dataclasses.asdict(RECORD)))
    del data["results"][0]["memory"]["peak_mib"]
    with pytest.raises(DataError, match="missing key results.0.memory.peak_mib"):
        parse(data, "file")


def test_the_table_has_the_fastest_first_and_ratios_to_eager():
    (table,) = tables(RESULTS)
    assert list(table.columns[0].cells) == ["sceneseg", "eager"]
    assert list(table.columns[4].cells) == ["4.00", "1.00"]
    assert ratio(RESULTS[2], RESULTS) is None
    assert failures(RESULTS) == ["unet, compile, 64 x 128, batch 1: was killed"]


@pytest.mark.parametrize("change", [{"whole": None}, {"memory": None}, {"start_s": None}])
def test_a_result_has_times_or_an_error(change):
    data = json.loads(json.dumps(dataclasses.asdict(RECORD)))
    data["results"][0] |= change
    with pytest.raises(DataError, match="file: results.0 has neither times nor an error"):
        parse(data, "file")
