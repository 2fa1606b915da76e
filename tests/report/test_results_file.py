"""`comparison.json` keeps its keys, whatever the records are called."""

import json
from dataclasses import replace

from made_up_results import make_ranking, make_results, make_row

from sceneseg.records.interval import Interval
from sceneseg.records.joint_scores import JointScores
from sceneseg.records.latency import Latency
from sceneseg.records.run_directory import ComparisonDirectory
from sceneseg.records.scores import BandScores
from sceneseg.report.comparison.results import Cost, Difference, Incomparable, Sources, Unscored
from sceneseg.report.comparison.results_file import write_results

SOURCES = Sources(("a/metrics.json",), ("a/confusion.npz",), ("a/model.json",), (), ("a/history.csv",), ("l.json",))


def written(tmp_path, results):
    comparison = ComparisonDirectory(tmp_path)
    write_results(comparison, results)
    return json.loads(comparison.results.read_text())


def test_keys_of_the_file(tmp_path):
    found = written(tmp_path, make_results(make_ranking([])))
    assert list(found) == [
        *("format", "name", "environment", "command", "budget", "answer", "protocol", "classes", "level", "resamples"),
        *("candidates", "pairs", "apart", "without_score", "latency", "differences", "notes", "together", "sources"),
    ]
    assert found["format"] == 1
    assert found["classes"] == {"number": 0, "of": 0, "absent": "skip", "left_out": []}
    assert [found[key] for key in ("budget", "protocol", "latency", "together")] == [None] * 4


def test_figures_that_are_not_known_have_no_key(tmp_path):
    known = replace(make_row("a", 0.6, Latency(8.1)), cost=Cost(parameters=5), sources=SOURCES, seeds=(0.5, 0.7))
    known = replace(known, mean_iou=Interval(0.6, 0.5, 0.7), objects=(BandScores(3, 0.5, 0.25),), on_front=True)
    one, other = written(tmp_path, make_results(make_ranking([known, make_row("b")])))["candidates"]
    assert one["mean_iou"] == {"value": 0.6, "low": 0.5, "high": 0.7, "seeds": [0.5, 0.7]}
    assert (one["parameters"], one["p50_ms"], one["pareto"]) == (5, 8.1, True)
    assert one["sources"] == {
        "mean_iou": ["a/metrics.json"],
        "interval": ["a/confusion.npz"],
        "parameters": ["a/model.json"],
        "p50_ms": ["l.json"],
    }
    assert one["objects"] == [{"objects": 3, "recall": 0.5}]
    assert not {"gmacs", "p95_ms", "steps"} & one.keys()
    assert not {"parameters", "p50_ms"} & other.keys()
    assert other["objects"] is None


def test_pairs_groups_and_the_joint_label_space(tmp_path):
    ranking = make_ranking([make_row("a"), make_row("b")], [Difference("a", "b", Interval(0.1, 0.05, 0.2))])
    joint = JointScores("road", {"a": "evaluations/road"}, {"c": "has no road"})
    results = replace(
        make_results(ranking),
        incomparable=(Incomparable(("Void: ignore",), make_ranking([make_row("c")])),),
        without_score=(Unscored("d", {}, "not trained yet", "d"),),
        joint_scores=joint,
        joined=("a",),
    )
    found = written(tmp_path, results)
    assert found["pairs"] == [{"better": "a", "worse": "b", "difference": 0.1, "low": 0.05, "high": 0.2, "real": True}]
    [group] = found["apart"]
    assert list(group) == ["reasons", "classes", "candidates", "pairs"]
    assert [row["name"] for row in group["candidates"]] == ["c"]
    assert found["without_score"] == [{"name": "d", "changes": {}, "reason": "not trained yet", "folder": "d"}]
    assert found["together"] == {
        "label_space": "road",
        "evaluations": {"a": "evaluations/road"},
        "apart": {"c": "has no road"},
        "joined": ["a"],
    }
