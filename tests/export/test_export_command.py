"""`sceneseg export` as a user meets it."""

import json
from itertools import product
from types import SimpleNamespace

import onnx
import pytest
import torch

from sceneseg import models
from sceneseg.cli.export import export
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import ConfigError, RunError
from sceneseg.export.exported import ExportedModel
from sceneseg.export.gate import GateError
from sceneseg.export.job import Export, file_name
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records.export_description import TrainedModel
from sceneseg.records.protocol import Protocol


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    network = models.create("unet", num_classes=19, width=4, depth=2).eval()
    model = SemanticModel(network, LABEL_SPACE, {"name": "unet", "width": 4, "depth": 2})
    file = tmp_path / "street.safetensors"
    model.save(file, model.network.state_dict(), score={"mean_iou": 0.5, "protocol": {"dataset": "cityscapes"}})
    return file


@pytest.fixture
def asked(weights, toy_root):
    return {"weights": weights, "data": "cityscapes", "root": str(toy_root), "images": 2}


def test_the_table_is_shown_and_the_file_written(asked, tmp_path, capsys):
    export(**asked)
    file = tmp_path / "exports" / "street-fp32.onnx"
    said = capsys.readouterr().out
    assert "road" in said
    assert "2 images, " in said
    assert "the model scores so little" in said, "it is untrained"
    assert f"written  {file}" in said
    found = ExportedModel.load(file).description
    assert found.gate.passed
    assert (found.gate.dataset, found.gate.split) == ("cityscapes", "val")
    assert found.trained_model == TrainedModel({"mean_iou": 0.5}, Protocol(dataset="cityscapes"))
    assert onnx.load(file).metadata_props[0].value == json.dumps(found.to_dict())


def test_a_file_that_is_worse_is_not_written(asked, tmp_path, capsys):
    with pytest.raises(GateError, match="Nothing was written"):
        export(**asked, tolerance=-100.0)
    assert "mean" in capsys.readouterr().out, "the table is shown either way"
    assert not list(tmp_path.rglob("*.onnx"))


def test_nothing_but_the_files_is_left(asked, tmp_path):
    export(**asked, to="trt", precision="int8", calibration=2, size=(64, 128), output="label_ids", tolerance=100.0)
    name = "street-int8-label_ids-64x128-tensorrt"
    assert sorted(p.name for p in (tmp_path / "exports").iterdir()) == [f"{name}.onnx", f"{name}.sh"]
    assert (tmp_path / "exports" / f"{name}.sh").stat().st_mode & 0o111


def test_it_can_go_without_a_comparison_and_says_so(weights, tmp_path, capsys):
    export(weights=weights, images=0, out=tmp_path / "a" / "b.onnx")
    assert "not compared" in capsys.readouterr().out
    assert ExportedModel.load(tmp_path / "a" / "b.onnx").description.gate is None


def test_the_size_that_the_network_sees(asked, tmp_path):
    export(**asked, target_size=(32, 64), out=tmp_path / "small.onnx", tolerance=5.0)
    assert ExportedModel.load(tmp_path / "small.onnx").description.input.target_size == (32, 64)


def test_no_export_takes_the_place_of_another():
    wishes = product(
        ("openvino", "onnx", "tensorrt"),
        ("unet",),
        ("labels", "coarse"),
        ("fp32", "int8"),
        (None, (64, 128)),
        (None, (64, 128)),
    )
    names = [file_name(*wish) for wish in wishes]
    assert len(set(names)) == len(names)


def test_weights_beside_each_other_have_files_of_their_own(weights, tmp_path, monkeypatch):
    other = weights.with_name("road.safetensors")
    other.write_bytes(weights.read_bytes())

    def write(file):
        file.parent.mkdir(exist_ok=True)
        file.touch(exist_ok=False)
        return [file]

    made = SimpleNamespace(write=write, artifact=SimpleNamespace(advice=str))
    monkeypatch.setattr(Export, "make", lambda *asked: made)
    for file, size in ((weights, None), (other, None), (other, (32, 64))):
        export(weights=file, images=0, target_size=size)
    names = ["road-fp32-seen-at-32x64.onnx", "road-fp32.onnx", "street-fp32.onnx"]
    assert sorted(file.name for file in (tmp_path / "exports").iterdir()) == names


def test_mistakes_get_one_sentence(asked, tmp_path):
    with pytest.raises(ConfigError, match="a file for openvino is called NAME.xml"):
        export(**asked, to="openvino", out=tmp_path / "street.onnx")
    with pytest.raises(ConfigError, match='Did you mean "onnx"'):
        export(**asked, to="onx")
    with pytest.raises(RunError, match="no such weights file"):
        export(**{**asked, "weights": tmp_path / "none.safetensors"})
    assert not list(tmp_path.rglob("*.xml"))
