"""The cost of a model is read as far as it is known."""

import json

import pytest

from sceneseg.errors import RunError
from sceneseg.records.model_cost import ModelCost, PartCost, read_model_cost

COST = ModelCost("unet", 10, 12, 0.5, 4, (8, 16), (PartCost("stem", 4, 0.25, (3, 4, 8), ("image",)),))


def test_a_file_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "model.json"
    file.write_text(json.dumps(COST.to_dict()))
    assert read_model_cost(file) == COST
    assert list(json.loads(file.read_text())) == [
        *("name", "parameters", "parameters_training", "gmacs", "output_stride", "size", "parts")
    ]


def test_what_is_unknown_or_missing_is_left_out(tmp_path):
    (tmp_path / "model.json").write_text('{"name": "unet", "gmacs": 1, "watts": 3}')
    found = read_model_cost(tmp_path / "model.json")
    assert found == ModelCost("unet", gmacs=1.0)
    assert found.to_dict() == {"name": "unet", "gmacs": 1.0}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[]", "the file must be a mapping"),
        ('{"parameters": "many"}', "parameters must be a whole number"),
        ('{"size": 3}', "size must be a list"),
        ('{"parts": [{"name": "a"}]}', r"missing key parts\.0\.parameters"),
    ],
)
def test_other_files_are_refused(tmp_path, content, complaint):
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(RunError, match=complaint):
        read_model_cost(tmp_path / "model.json")
