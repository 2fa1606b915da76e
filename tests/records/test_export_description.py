"""The description of an exported file is read as it was written."""

import json
from dataclasses import replace

import pytest

from sceneseg.labels import LabelClass, LabelSpace
from sceneseg.plain import UnfitError
from sceneseg.records.export_description import (
    ExportDescription,
    ExportInput,
    ExportOutput,
    GateResult,
    GateScores,
    TrainedModel,
)
from sceneseg.records.header import ModelSpec
from sceneseg.records.protocol import Protocol

SPACE = LabelSpace("a", (LabelClass("road", (1, 2, 3), (7,)),))
DESCRIPTION = ExportDescription(
    1,
    "0.1.0",
    "semantic",
    ModelSpec("unet", {"width": 4}),
    ["road"],
    [(1, 2, 3)],
    [7],
    0,
    SPACE,
    ExportInput("(batch, height, width, 3) uint8 RGB", None, (8, 16), "opencv", "logits", 4, (0.5,), (0.25,)),
    ExportOutput("labels", 255, (0, 255), 1, False),
    "fp32",
    TrainedModel({"mean_iou": 0.5}, Protocol(dataset="camvid")),
    GateResult(2, 1.0, GateScores(0.5, 0.5), 0.001, True, "camvid", "val"),
)


@pytest.mark.parametrize(
    "description",
    [DESCRIPTION, replace(DESCRIPTION, gate=None, trained_model=TrainedModel()), replace(DESCRIPTION, others={"x": 1})],
    ids=["compared", "not compared", "later version"],
)
def test_a_description_is_read_as_it_was_written(description):
    plain = json.loads(json.dumps(description.to_dict()))
    assert ExportDescription.from_dict(plain) == description
    assert ("gate" in plain) is (description.gate is not None)
    assert list(plain)[:4] == ["format", "sceneseg_version", "task", "model"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"output": None}, "output must be"),
        ({"model": {}}, "missing key model.name"),
        ({"label_space": {}}, "label_space: .* missing key name"),
        (
            {"label_space": SPACE.to_dict() | {"classes": [{"name": "a", "color": [0, 0, 256], "label_ids": [1]}]}},
            "0 to 255",
        ),
        ({"names": [1]}, "names.0 must"),
    ],
)
def test_other_descriptions_are_refused(change, complaint):
    with pytest.raises(UnfitError, match=complaint):
        ExportDescription.from_dict(DESCRIPTION.to_dict() | change)
