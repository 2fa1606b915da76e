"""Every format says what the model says."""

import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from sceneseg.errors import ConfigError, ModelError, RunError
from sceneseg.export import formats, tensorrt, torchscript
from sceneseg.export._description import describe
from sceneseg.export.exported import ExportedModel
from sceneseg.export.onnx import build
from sceneseg.export.plan import make_plan
from sceneseg.export.tensorrt import TensorRT, make_script, unknown_operations

LEAST = {"fp32": 0.999, "fp16": 0.98, "int8": 0.7}


@pytest.fixture
def export(tmp_path):
    """Write a model in a format and open the file."""

    def export(to, model, pictures=(), output="labels", precision="fp32", image_size=None):
        maker = formats.get(to)
        plan = make_plan(model, output, precision, image_size, maker.engine)
        file = tmp_path / f"street{maker.suffix}"
        maker(model, plan, pictures).save(file, describe(model, plan))
        assert all(file.with_suffix(suffix).is_file() for suffix in maker.companions)
        return ExportedModel.load(file)

    return export


def agreement(exported, model, pictures):
    return min(float((exported.labels(p) == model.predict(p).labels).mean()) for p in pictures)


@pytest.mark.parametrize(
    ("to", "precision"),
    [
        ("onnx", "fp32"),
        ("onnx", "fp16"),
        ("onnx", "int8"),
        ("openvino", "fp32"),
        ("openvino", "fp16"),
        ("openvino", "int8"),
        ("tensorrt", "fp32"),
        ("tensorrt", "fp16"),
        ("tensorrt", "int8"),
        ("torchscript", "fp32"),
        ("torchscript", "fp16"),
    ],
)
def test_every_precision_for_pictures_of_any_size(export, model, pictures, to, precision):
    exported = export(to, model, pictures if precision == "int8" else (), precision=precision)
    assert agreement(exported, model, pictures) > LEAST[precision]
    assert exported.description.precision == precision
    batch = np.stack([pictures[0], pictures[0][::-1]])
    assert np.array_equal(exported.answer(batch)[0], exported.labels(batch[0]))
    assert np.array_equal(exported.answer(batch)[1], exported.labels(batch[1]))


@pytest.mark.parametrize("output", ["label_ids", "probabilities", "coarse"])
def test_torchscript_gives_every_output(export, model, pictures, output):
    exported = export("torchscript", model, output=output)
    assert agreement(exported, model, pictures) > 0.999
    wanted = model.predict(pictures[1])
    found = exported.predict(pictures[1])
    if output == "label_ids":
        assert (exported.answer(pictures[1][None])[0] == model.label_space.decode(wanted.labels)).mean() > 0.999
    else:
        assert np.abs(found.probabilities - wanted.probabilities).max() < 1e-3


@pytest.mark.parametrize("facts", [{}, {"enlarge": "labels"}, {"resize": "pil_bilinear"}])
def test_torchscript_resizes_inside(export, make, pictures, facts):
    model = make(target_size=(72, 120), **facts)
    assert agreement(export("torchscript", model), model, pictures) > 0.98


def test_openvino_resizes_inside(export, make, pictures):
    model = make(target_size=(72, 120))
    assert agreement(export("openvino", model), model, pictures) > 0.98
    smooth = make(target_size=(72, 120), resize="pil_bilinear")
    for to in ("openvino", "tensorrt"):
        with pytest.raises(ConfigError, match="images of 72 x 120 alone"):
            export(to, smooth)
        sized = export(to, smooth, image_size=(72, 120))
        assert sized.description.input.image_size == (72, 120)


@pytest.mark.parametrize("to", ["onnx", "openvino", "torchscript", "tensorrt"])
def test_one_size_is_held_to(export, model, pictures, to):
    exported = export(to, model, image_size=(131, 203))
    assert agreement(exported, model, pictures[1:]) > 0.999
    with pytest.raises(RunError, match="takes images of 131 x 203 pixels, this one has 96 x 160"):
        exported.predict(pictures[0])


def test_torchscript_has_no_int8(export, model):
    with pytest.raises(ConfigError, match="fp32 or fp16. For int8 export to onnx"):
        export("torchscript", model, precision="int8")


@pytest.mark.filterwarnings("ignore")
def test_a_recording_that_holds_one_size_alone_is_refused(model, monkeypatch):
    truth = torchscript.Body.forward
    monkeypatch.setattr(torchscript.Body, "forward", lambda self, x: truth(self, x) * float(x.shape[2]))
    with pytest.raises(ModelError, match="holds for one size alone.*images of that size"):
        torchscript.trace_body(model, make_plan(model))


def test_torchscript_needs_nothing_of_ours(export, model, pictures, tmp_path):
    export("torchscript", model)
    with pytest.warns(DeprecationWarning, match="jit.load"):
        module = torch.jit.load(tmp_path / "street.torchscript")
    assert module(torch.from_numpy(pictures[0][None])).dtype == torch.uint8


@pytest.mark.parametrize(("precision", "types"), [("fp32", ""), ("fp16", "--fp16"), ("int8", "--fp16 --int8")])
def test_the_script_calls_trtexec_with_shapes_and_precision(model, tmp_path, precision, types):
    """Run the script with a program in trtexec's place that prints what it is given."""
    plan = make_plan(model, precision=precision, image_size=(1024, 2048), engine="tensorrt")
    script = tmp_path / "my street.sh"
    script.write_text(make_script("my street", plan))
    for shell in ("sh", "bash"):
        assert subprocess.run([shell, "-n", script], check=False).returncode == 0
    for knows in (True, False):
        trtexec = tmp_path / "trtexec"
        trtexec.write_text(
            '#!/bin/sh\n[ "$1" = --help ] && echo "{}" && exit 0\nprintf "%s\\n" "$@"\n'.format("--fp16" * knows)
        )
        trtexec.chmod(0o755)
        paths = {"TRTEXEC": str(trtexec), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(["sh", script, "--useDLACore=0"], env=paths, capture_output=True, check=True)
        said = done.stdout.decode().splitlines()
        assert said[:2] == ["--onnx=my street.onnx", "--saveEngine=my street.engine"]
        assert [word for word in said if word in ("--fp16", "--int8")] == (types.split() if knows else [])
        assert {f"--{w}Shapes=image:1x1024x2048x3" for w in ("min", "opt", "max")} <= set(said)
        assert said[-1] == "--useDLACore=0"


def test_engines_for_any_size_have_a_range(model, make):
    def sizes(made):
        text = make_script("a", make_plan(made, engine="tensorrt"))
        return [text.partition(f"--{word}Shapes=image:")[2].split()[0] for word in ("min", "opt", "max")]

    assert sizes(model) == ["1x256x256x3", "1x1024x2048x3", "1x1024x2048x3"]
    assert sizes(make(target_size=(512, 1024))) == sizes(model), "a camera's pictures are resized inside"
    assert sizes(make(target_size=(128, 4096))) == ["1x128x256x3", "1x1024x4096x3", "1x1024x4096x3"]


@pytest.mark.parametrize("facts", [{}, {"target_size": (72, 120)}, {"target_size": (72, 120), "enlarge": "labels"}])
def test_tensorrt_turns_bytes_into_numbers_before_all_else(make, facts):
    graph = onnx.shape_inference.infer_shapes(build(make(**facts), engine="tensorrt")).graph
    kinds = {x.name: x.type.tensor_type.elem_type for x in (*graph.input, *graph.value_info, *graph.output)}
    kinds |= {x.name: x.data_type for x in graph.initializer}
    readers = {node.op_type for node in graph.node for name in node.input if kinds.get(name) == TensorProto.UINT8}
    assert readers == {"Cast"}
    measured = [kinds[node.input[0]] for node in graph.node if node.op_type == "Shape"]
    assert measured[0] == TensorProto.FLOAT


def test_what_tensorrt_does_not_have_is_refused(model, monkeypatch, tmp_path):
    plan = make_plan(model, engine="tensorrt")
    monkeypatch.setattr(tensorrt, "OPERATIONS", "Conv Cast")
    with pytest.raises(ModelError, match=r"street needs .*Resize.*, which TensorRT isn't known to have"):
        TensorRT(model, plan, [])


def test_the_shape_of_bytes_is_not_for_tensorrt():
    def measured(kind):
        node = helper.make_node("Shape", ["image"], ["size"])
        given = helper.make_tensor_value_info("image", kind, [1, 4, 4, 3])
        return helper.make_model(helper.make_graph([node], "g", [given], []))

    assert unknown_operations(measured(TensorProto.UINT8)) == ["Shape of bytes"]
    assert not unknown_operations(measured(TensorProto.FLOAT))


def test_pooling_with_indices_is_not_for_tensorrt():
    def pooled(outputs):
        node = helper.make_node("MaxPool", ["x"], outputs, kernel_shape=[2, 2])
        kind = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])
        return onnx.helper.make_model(helper.make_graph([node], "g", [kind], []))

    assert unknown_operations(pooled(["y", "places"])) == ["MaxPool with indices"]
    assert not unknown_operations(pooled(["y"]))


def test_names_people_use():
    assert formats.names() == ["onnx", "openvino", "tensorrt", "torchscript"]
    assert formats.resolve("trt") == "tensorrt"
    with pytest.raises(ConfigError, match='Did you mean "openvino"'):
        formats.resolve("openvin")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no device that is always full")
def test_a_full_disk_does_not_end_the_process(model):
    """PyTorch's own writing would: it ends it with a signal."""
    plan = make_plan(model, "labels", "fp32", None, formats.get("torchscript").engine)
    with pytest.raises(OSError, match="No space left"):
        formats.get("torchscript")(model, plan, ()).save(Path("/dev/full"), describe(model, plan))
