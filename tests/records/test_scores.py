"""Scores are read with every value checked, and written as they were read."""

import json

import pytest

from sceneseg.errors import RunError
from sceneseg.records.scores import (
    BandScores,
    Origin,
    Protocol,
    Scores,
    SizeBands,
    read_scores,
    write_scores,
)

SEGMENTATION = {
    "protocol": {
        "dataset": "cityscapes",
        "split": "val",
        "images": 2,
        "split_hash": "8608424edfa226e5",
        "labels_hash": "839e4eb4-e5c2dec62c80e61a",
        "label_space": "cityscapes:categories",
        "scored_at": "native size of the labels",
        "void": "ignore",
        "absent": "skip",
        "scorer": "sceneseg 0.1.0",
        "part": "2 of 5 images",
        "input_size": [256, 512],
        "precision": "bf16-mixed",
        "window": "whole image",
        "tta": "none",
        "label_map": "a -> b",
        "counted_in": "cityscapes",
    },
    "mean_iou": 0.25,
    "mean_iiou": None,
    "pixel_accuracy": 0.5,
    "classes": {"road": {"iou": 0.5, "iiou": None, "dice": 0.6, "accuracy": 0.7}},
    "categories": {},
    "size_bands": {
        "edges": [1024],
        "all": [{"objects": 0, "recall": None, "found": None}, {"objects": 1, "recall": 0.5, "found": 1.0}],
        "classes": {"car": [{"objects": 0, "recall": None, "found": None}]},
    },
    "origin": {"weights_sha256": "ab", "root": "/data", "target_size": [64, 128], "void": "ignore", "label_map": None},
}
CLASSIFICATION = {
    "protocol": {
        "task": "classification",
        "dataset": "image_folder",
        "split": "val",
        "images": 6,
        "split_hash": "0123456789abcdef",
        "number_of_classes": 3,
        "input_size": [32, 32],
        "window": "center, 0.875 of the shorter side",
        "tta": "none",
        "precision": "32-true",
        "scorer": "sceneseg 0.1.0",
    },
    "top1": 0.5,
    "top5": None,
    "class_accuracy": 0.5,
    "classes": {"cat": {"accuracy": 0.5}},
}
UNKNOWN = {
    "protocol": {"dataset": "camvid", "weather": ["fog"]},
    "mean_iou": 0.5,
    "fw_iou": 0.25,
    "classes": {},
    "categories": {},
    "notes": {"a": 1},
}


@pytest.mark.parametrize("content", [SEGMENTATION, CLASSIFICATION, UNKNOWN])
def test_a_file_is_written_byte_for_byte_as_it_was_read(tmp_path, content):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text(json.dumps(content, indent=2) + "\n")
    write_scores(second, read_scores(first))
    assert second.read_text() == first.read_text()


def test_the_parts_of_a_file_are_records():
    scores = Scores.from_dict(SEGMENTATION)
    assert scores.means == {"mean_iou": 0.25, "mean_iiou": None, "pixel_accuracy": 0.5}
    assert scores.protocol.input_size == (256, 512)
    assert scores.size_bands == SizeBands([1024], [BandScores(0), BandScores(1, 0.5, 1.0)], {"car": [BandScores(0)]})
    assert scores.origin == Origin("ab", "/data", (64, 128), "ignore")
    assert Scores.from_dict(UNKNOWN).means["fw_iou"] == 0.25
    assert Protocol.from_dict({"input_size": "native"}).input_size == "native"


def test_what_an_early_version_did_not_write_is_none_or_empty(tmp_path):
    (tmp_path / "metrics.json").write_text('{"mean_iou": 1, "protocol": {"size": [360, 480], "tta": null}}')
    scores = read_scores(tmp_path / "metrics.json")
    assert scores == Scores({"mean_iou": 1.0}, protocol=Protocol(size=(360, 480)))
    assert scores.protocol.void is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[]", "the file must be a mapping"),
        ("{", "not readable as JSON"),
        ('{"mean_iou": "0.5"}', "mean_iou must be a number, found '0.5'"),
        ('{"mean_iou": NaN}', "not readable as JSON"),
        ('{"classes": ["road"]}', "classes must be a mapping"),
        ('{"classes": {"road": {"iou": [1]}}}', r"classes\.road\.iou must be a number"),
        ('{"protocol": {"dataset": ["a"]}}', r"protocol\.dataset must be a word"),
        ('{"protocol": {"void": "sometimes"}}', r"protocol\.void must be one of ignore, false_positive"),
        ('{"protocol": {"input_size": "large"}}', r"protocol\.input_size must be a list"),
        ('{"protocol": 7}', "protocol must be a mapping"),
        ('{"origin": {"weights_sha256": 7}}', r"origin\.weights_sha256 must be a word"),
        ('{"size_bands": {"edges": [1]}}', r"missing key size_bands\.all"),
        ('{"format": 2}', "written by a newer sceneseg"),
        ('{"format": "x"}', "written by a newer sceneseg"),
    ],
)
def test_other_files_are_refused(tmp_path, content, complaint):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(RunError, match=complaint) as raised:
        read_scores(tmp_path / "metrics.json")
    assert str(raised.value).startswith(f"{tmp_path / 'metrics.json'}: ")


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(RunError, match="there is no such file"):
        read_scores(tmp_path / "metrics.json")


@pytest.mark.parametrize(
    ("other", "differing"),
    [
        (Protocol(split="val", void="ignore", absent="skip", tta="none"), []),  # what early versions didn't say
        (Protocol(split="val", void="ignore", input_size=(64, 128), precision="32-true"), []),
        (Protocol(split="test", void="ignore"), ["split"]),
        (Protocol(split="val", void="ignore", absent="zero"), ["absent"]),
        (Protocol(split="val"), ["void"]),
    ],
)
def test_protocols_differ_in_what_a_ranking_needs_alike(other, differing):
    assert list(Protocol(split="val", void="ignore").differs_from(other)) == differing


@pytest.mark.parametrize(
    ("ours", "theirs", "other"),
    [("a-1", "a-2", True), ("a-1", "a-1", False), ("a-1", "b-2", False), ("a-1", None, False), (None, None, False)],
)
def test_other_labels_are_known_of_the_same_names_alone(ours, theirs, other):
    assert Protocol(labels_hash=ours).has_other_labels(Protocol(labels_hash=theirs)) is other
