import numpy as np
import pytest
import torch

from sceneseg import models
from sceneseg.bench.record import Record
from sceneseg.cli.bench import _pairs, bench
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import ConfigError, ModelError
from sceneseg.export import onnx
from sceneseg.inference.predictor import SemanticModel


def test_every_model_and_batch_is_measured(tmp_path, capsys):
    bench(
        models=["fast_scnn,espnet_v2"],
        engines=["eager"],
        sizes=[64, 96],
        batches=[1, 2],
        threads=1,
        device="cpu",
        repetitions=1,
        warmup=0,
        json=tmp_path / "bench.json",
    )
    record = Record.read(tmp_path / "bench.json")
    found = [(r.name, r.size, r.batch, r.error) for r in record.results]
    assert found == [(name, (64, 96), batch, None) for batch in (1, 2) for name in ("fast_scnn", "espnet_v2")]
    assert record.environment.cpu
    assert capsys.readouterr().out.count("untrained") == 4


@pytest.mark.slow
def test_engines_that_read_files_are_given_exported_ones(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    monkeypatch.setattr("sceneseg.api.benchmark.CALIBRATION", 1)
    engines = ["eager", "onnxruntime", "openvino", "openvino_int8"]
    asked = {"models": ["fast_scnn"], "engines": engines, "sizes": [72, 136], "batches": [2], "threads": 1}
    bench(**asked, device="cpu", repetitions=1, warmup=0, json=tmp_path / "bench.json")
    results = {r.engine: r for r in Record.read(tmp_path / "bench.json").results}
    assert {name: r.error for name, r in results.items()} == dict.fromkeys(engines)
    assert results["onnxruntime"].equal_pixels > 0.999
    assert results["openvino"].equal_pixels > 0.999
    assert results["openvino_int8"].calibration == "1 drawn streets"
    assert results["onnxruntime"].calibration is None
    assert results["onnxruntime"].memory.peak_mib < results["eager"].memory.peak_mib  # it does without torch


def test_two_weights_of_one_name_have_names_and_files_of_their_own(tmp_path, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    from onnx import helper, numpy_helper

    from sceneseg.export._body import LOGITS, PIXELS

    files, answers = [], {}
    for favourite, run in ((3, "camvid"), (5, "demo")):
        network = models.create("unet", num_classes=19, width=4, depth=2)
        with torch.no_grad():
            network.head.bias[favourite] = 1e3
        files.append(tmp_path / run / "street.safetensors")
        SemanticModel(network, LABEL_SPACE, {"name": "unet", "width": 4, "depth": 2}).save(
            files[-1], network.state_dict()
        )

    def translate(loaded, plan, pictures):
        weight = numpy_helper.from_array(np.zeros((19, 3, 1, 1), np.float32), "weight")
        bias = numpy_helper.from_array(loaded.network.head.bias.detach().numpy(), "bias")
        node = helper.make_node("Conv", [PIXELS, "weight", "bias"], [LOGITS])
        return helper.make_model(helper.make_graph([node], "g", [], [], [weight, bias]), ir_version=10)

    def measure(candidates, *_):
        for candidate in candidates:
            session = onnxruntime.InferenceSession(candidate.files["onnxruntime/fp32"])
            (labels,) = session.run(None, {"image": np.zeros((1, 8, 8, 3), np.uint8)})
            answers[candidate.name, candidate.weights] = set(labels.ravel().tolist())
        return []

    monkeypatch.setattr(onnx, "translate", translate)
    monkeypatch.setattr("sceneseg.bench.session.measure", measure)
    bench(weights=files, engines=["onnxruntime"], sizes=[64, 96], device="cpu")
    assert answers == {("camvid/street", str(files[0])): {3}, ("demo/street", str(files[1])): {5}}


def test_a_model_that_cannot_be_exported_is_a_line_with_the_reason(monkeypatch, tmp_path, capsys):
    def refuse(*_):
        raise ModelError("odd can't be exported")

    monkeypatch.setattr(onnx, "translate", refuse)
    bench(models=["fast_scnn"], engines=["onnxruntime"], sizes=[64, 96], device="cpu", json=tmp_path / "bench.json")
    assert Record.read(tmp_path / "bench.json").results[0].error == "odd can't be exported"
    assert "Not measured: fast_scnn, onnxruntime, 64 x 96, batch 1: odd can't be exported" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "Nothing to measure"),
        ({"models": ["fast_scn"]}, 'Did you mean "fast_scnn"'),
        ({"models": ["classifier"]}, "can't segment"),
        ({"models": ["fast_scnn"], "engines": ["eagr"]}, 'Did you mean "eager"'),
        ({"models": ["fast_scnn"], "engines": ["cuda_graph"]}, "None of the engines"),
        ({"models": ["fast_scnn"], "sizes": [64]}, "pairs of HEIGHT WIDTH"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is(options, complaint):
    with pytest.raises(ConfigError, match=complaint):
        bench(device="cpu", **options)


def test_several_pairs_are_pairs():
    assert _pairs([64, 96, 128, 32]) == [(64, 96), (128, 32)]
