"""An ONNX file says what the model says, whatever is asked of it."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import ConfigError, RunError
from sceneseg.export import _graph
from sceneseg.export.exported import ExportedModel
from sceneseg.export.onnx import build, finish, translate
from sceneseg.export.plan import make_plan
from sceneseg.records.export_description import ExportDescription
from sceneseg.records.header import ModelSpec


def agreement(exported, model, pictures):
    return min(float((exported.labels(p) == model.predict(p).labels).mean()) for p in pictures)


def test_the_model_tells_things_apart(model, pictures):
    assert len(np.unique(model.predict(pictures[0]).labels)) > 4, "else these tests prove nothing"


@pytest.mark.parametrize("output", ["labels", "label_ids", "probabilities", "coarse"])
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "tensorrt"])
def test_every_output_for_pictures_of_any_size(model, body, pictures, opened, output, engine):
    exported = opened(body, model, make_plan(model, output, engine=engine))
    assert agreement(exported, model, pictures) > 0.999
    answer = exported.answer(pictures[1][None])
    wanted = model.predict(pictures[1])
    if output == "label_ids":
        assert (answer[0] == LABEL_SPACE.decode(wanted.labels)).mean() > 0.999
    if output == "probabilities":
        assert np.abs(answer[0] - wanted.probabilities).max() < 1e-3
    if output == "coarse":
        assert np.abs(answer - wanted.coarse.values.numpy()).max() < 1e-3 * float(wanted.coarse.values.abs().max())
    assert answer.dtype == (np.uint8 if output.startswith("label") else np.float32)


def test_a_batch_is_its_pictures(model, body, pictures, opened):
    exported = opened(body, model, make_plan(model))
    batch = np.stack([pictures[0], pictures[0][::-1]])
    answer = exported.answer(batch)
    assert np.array_equal(answer[0], exported.labels(batch[0]))
    assert np.array_equal(answer[1], exported.labels(batch[1]))


@pytest.fixture(scope="module")
def resized(make):
    """The network translated for one size, which needs padding, so that the logits cover a fraction of a pixel."""
    model = make(target_size=(72, 120))
    return translate(model, make_plan(model))


@pytest.mark.parametrize(
    ("resize", "enlarge", "least"),
    [
        ("opencv_bilinear", "logits", 0.999),
        ("opencv_bilinear", "labels", 0.999),
        ("opencv", "logits", 0.98),  # OpenCV's bytes differ by one here and there
        ("pil_bilinear", "logits", 0.99),
    ],
)
@pytest.mark.parametrize("output", ["labels", "coarse"])
def test_resizing_is_inside(make, resized, pictures, opened, resize, enlarge, least, output):
    model = make(target_size=(72, 120), resize=resize, enlarge=enlarge)
    assert agreement(opened(resized, model, make_plan(model, output)), model, pictures) > least


def test_halving_rounds_as_opencv_does(make, pictures):
    model = make(target_size=(48, 80))
    size = make_plan(model).network_size
    assert size == (48, 80)
    exported = ExportedModel(*_opened(build(model)))
    assert agreement(exported, model, pictures[:1]) > 0.999


def _opened(graph):
    import json

    import onnxruntime

    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    described = json.loads(session.get_modelmeta().custom_metadata_map["sceneseg"])
    return (lambda images: session.run(None, {"image": images})[0]), ExportDescription.from_dict(described)


def test_pictures_of_one_size_make_a_simpler_file(model, body, pictures):
    graph = build(model, image_size=(131, 203))
    assert len(graph.graph.node) < len(finish(body, model, make_plan(model)).graph.node)
    exported = ExportedModel(*_opened(graph))
    assert agreement(exported, model, pictures[1:]) > 0.999
    with pytest.raises(RunError, match="takes images of 131 x 203 pixels, this one has 96 x 160"):
        exported.labels(pictures[0])


@pytest.mark.parametrize(("precision", "least", "smaller"), [("fp16", 0.98, 0.6), ("int8", 0.7, 0.6)])
def test_smaller_numbers_stay_close(model, body, pictures, opened, precision, least, smaller):
    plan = make_plan(model, precision=precision)
    small = translate(model, plan, pictures)
    assert small.ByteSize() < smaller * body.ByteSize()
    assert agreement(opened(small, model, plan), model, pictures) > least


def test_an_output_that_is_no_class_becomes_void(model, body, pictures, opened):
    plan = make_plan(model)
    without = replace(plan, values=(255, *plan.values[1:]))  # as if the first output stood for none
    labels = opened(body, model, without).labels(pictures[0])
    wanted = model.predict(pictures[0]).labels
    assert (labels == np.where(wanted == 0, 255, wanted)).mean() > 0.999


def test_many_classes_take_one_operation(model, body, pictures, opened, monkeypatch):
    monkeypatch.setattr(_graph, "MOST_PLANES", 2)
    assert agreement(opened(body, model, make_plan(model)), model, pictures) > 0.999


def test_the_file_describes_itself(model, body, opened):
    found = opened(body, model, make_plan(model, "label_ids")).description
    assert found.names == LABEL_SPACE.names
    assert found.colors[0] == (128, 64, 128)
    assert found.label_ids[0] == 7
    assert found.model == ModelSpec("street")
    assert found.output.kind == "label_ids"
    assert found.input.size_divisor == 16


def test_no_path_of_this_machine_is_in_the_file(model, body):
    data = finish(body, model, make_plan(model)).SerializeToString()
    assert b".py" not in data
    assert b"site-packages" not in data


def test_mistakes_get_one_sentence(model, tmp_path, pictures):
    with pytest.raises(ConfigError, match='no "lables" to export. Did you mean "labels"'):
        make_plan(model, "lables")
    with pytest.raises(ConfigError, match="int8 needs training images"):
        build(model, precision="int8", image_size=(64, 96))
    with pytest.raises(RunError, match="no such file"):
        ExportedModel.load(tmp_path / "none.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(RunError, match="ONNX Runtime can't load it"):
        ExportedModel.load(tmp_path / "broken.onnx")
    node = onnx.helper.make_node("Identity", ["image"], ["labels"])
    kind = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node], "g", [kind("image", onnx.TensorProto.UINT8, [1])], [kind("labels", onnx.TensorProto.UINT8, [1])]
    )
    foreign = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(RunError, match="doesn't say what its classes are"):
        ExportedModel.load(tmp_path / "foreign.onnx")
