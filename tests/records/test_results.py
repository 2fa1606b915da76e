"""Scores and history are read with every value checked."""

import json

import pytest

from sceneseg.errors import RunError
from sceneseg.records.results import read_epochs, read_scores


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[]", "the file must be a mapping"),
        ("{", "not readable as JSON"),
        ('{"mean_iou": "0.5"}', "mean_iou must be a number, found '0.5'"),
        ('{"mean_iou": NaN}', "not readable as JSON"),
        ('{"classes": ["road"]}', "classes must be a mapping"),
        ('{"classes": {"road": {"iou": [1]}}}', "classes.road.iou must be a number"),
        ('{"protocol": {"dataset": ["a"]}}', "protocol.dataset must be a word"),
        ('{"protocol": 7}', "protocol must be a mapping"),
        ('{"origin": {"weights_sha256": 7}}', "origin.weights_sha256 must be a word"),
    ],
)
def test_other_scores_are_refused(tmp_path, content, complaint):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(RunError, match=complaint) as raised:
        read_scores(tmp_path / "metrics.json")
    assert str(raised.value).startswith(f"{tmp_path / 'metrics.json'}: ")


def test_scores_are_read_and_what_is_missing_is_empty(tmp_path):
    scores = {"mean_iou": 0.5, "mean_iiou": None, "classes": {"road": {"iou": 1, "iiou": None}}, "size_bands": [{}]}
    (tmp_path / "metrics.json").write_text(json.dumps(scores))
    assert read_scores(tmp_path / "metrics.json") == scores | {"protocol": {}, "categories": {}}
    with pytest.raises(RunError, match="there is no such file"):
        read_scores(tmp_path / "other.json")


def test_a_history_has_none_where_nothing_was_measured(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,step,mean_iou\n1,10,\n2,20,0.5\n")
    assert read_epochs(tmp_path / "history.csv") == [
        {"epoch": 1, "step": 10, "mean_iou": None},
        {"epoch": 2, "step": 20, "mean_iou": 0.5},
    ]


@pytest.mark.parametrize(
    "content", [b"epoch,loss\n1,high\n", b"epoch\n1,2\n", b"\xff\n1\n", b"loss\n1\n", b"epoch\nnan\n"]
)
def test_a_damaged_history_is_refused(tmp_path, content):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(RunError, match=r"history\.csv: expected .* it is damaged"):
        read_epochs(tmp_path / "history.csv")
