"""Weights whose header was damaged."""

import json
from typing import Any

import pytest
import torch

from sceneseg.errors import ConfigError, DataError, RunError
from sceneseg.inference.classifier import ClassificationModel
from sceneseg.inference.predictor import SemanticModel
from sceneseg.labels import LabelClass, LabelSpace
from sceneseg.records import run_directory
from sceneseg.records.header import ModelSpec, WeightsHeader, WeightsScore, parse_header
from sceneseg.records.protocol import Protocol

SPACE = LabelSpace("a", (LabelClass("road", (1, 2, 3), (0,)),))
HEADER: dict[str, Any] = {
    "task": "semantic",
    "model": {"name": "fast_scnn", "width": 0.25},
    "label_space": SPACE.to_dict(),
    "void_output": None,
    "input": {"target_size": [64, 128], "precision": "32-true", "resize": "opencv", "enlarge": "logits"},
    "score": {"mean_iou": 0.5, "protocol": {"dataset": "camvid"}},
}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"model": "fast_scnn"}, "model must be a mapping"),
        ({"model": {}}, "missing key model.name"),
        ({"model": {"name": 7}}, "model.name must be a word"),
        ({"model": {"name": "fast_scnn", "depth": 3}}, 'has no argument "depth"'),
        ({"model": None}, "doesn't say which model"),
        ({"label_space": []}, "label_space must be a mapping"),
        ({"label_space": SPACE.to_dict() | {"classes": [{}]}}, "missing key classes.0.name"),
        ({"label_space": None}, "expected a label space"),
        ({"void_output": 2}, "void_output must be one of 2 outputs, found 2"),
        ({"void_output": "x"}, "void_output must be a whole number"),
        ({"input": {"target_size": [0, 5]}}, "target_size must be a height and a width"),
        ({"input": {"target_size": "ab"}}, "input.target_size must be a list"),
        ({"input": {"precision": "64"}}, "input.precision must be one of 32-true"),
        ({"input": {"resize": "area"}}, "expected resize as one of opencv"),
        ({"input": {"enlarge": "x"}}, "expected enlarge as one of logits"),
        ({"input": {"size": 3}}, "unknown key input.size"),
        ({"score": {"mean_iou": "high"}}, "score.mean_iou must be a number"),
        ({"score": {"protocol": []}}, "score.protocol must be"),
        ({"format": "1"}, "format must be a whole number"),
        ({"format": 2}, "written by a newer sceneseg"),
        ({"sceneseg_version": 7}, "sceneseg_version must be a word"),
        ({"task": ["semantic"]}, "task must be a word"),
    ],
    ids=str,
)
def test_a_damaged_header_is_refused(tmp_path, change, complaint):
    file = tmp_path / "w.safetensors"
    run_directory.save_weights(file, {"x": torch.zeros(1)}, HEADER | change)
    with pytest.raises((RunError, DataError, ConfigError), match=complaint) as raised:
        SemanticModel.load(file, "cpu")
    assert str(raised.value).startswith(str(file))


def test_a_classifier_without_classes_is_refused(tmp_path):
    file = tmp_path / "w.safetensors"
    for classes in (None, []):
        run_directory.save_weights(file, {"x": torch.zeros(1)}, {"task": "classification", "classes": classes})
        with pytest.raises(RunError, match="doesn't say what the classes are"):
            ClassificationModel.load(file, "cpu")


def test_headers_of_any_version_are_read():
    known = {"format": 1, "sceneseg_version": "0.1.0", **HEADER, "epoch": 3, "lineage": {"data": ["camvid"]}}
    header = parse_header(json.dumps(known))
    assert header.model == ModelSpec("fast_scnn", {"width": 0.25})
    assert header.label_space == SPACE
    assert header.score == WeightsScore({"mean_iou": 0.5}, Protocol(dataset="camvid"))
    assert json.dumps(header.to_dict()) == json.dumps(known)
    assert parse_header('{"format": 1, "sceneseg_version": "0.0.1"}') == WeightsHeader("0.0.1", 1)
