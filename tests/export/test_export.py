"""Exported models say what the original says, and the gate sees when they don't."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

import sceneseg
from sceneseg import models
from sceneseg.data.cityscapes import LABEL_SPACE
from sceneseg.data.scene import Scene
from sceneseg.data.toy import draw_scene
from sceneseg.export import openvino, tensorrt, torchscript
from sceneseg.export.gate import compare
from sceneseg.export.onnx import build, runner
from sceneseg.models._cost import segmentation_models
from sceneseg.run import Runner
from sceneseg.tasks.semantic import Input, SemanticModel

DRAWN = [draw_scene(size, seed=3, index=i) for i, size in enumerate([(96, 160), (131, 203)])]
PICTURES = [scene.image for scene in DRAWN]


def model(name="fast_scnn", target_size=None, **arguments):
    torch.manual_seed(0)
    network = models.create(name, num_classes=19, **arguments).eval()
    return SemanticModel(network, LABEL_SPACE, {"name": name, **arguments}, Input(target_size))


@pytest.fixture(scope="module")
def learned():
    """The weights of a small network that tells a few classes apart."""
    network = model(width=0.5, dropout=0.0, aux=False).network.train()
    optimizer = torch.optim.AdamW(network.parameters(), 5e-3)
    images = torch.stack([torch.from_numpy(p[:96, :160].copy()).permute(2, 0, 1).float() / 255 for p in PICTURES])
    labels = torch.stack([torch.from_numpy(LABEL_SPACE.encode(s.label_ids[:96, :160])).long() for s in DRAWN])
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels, ignore_index=255).backward()
        optimizer.step()
    return network.eval().state_dict()


@pytest.fixture
def again(learned):
    """A maker of models with these weights."""

    def make(target_size=None):
        made = model(target_size=target_size, width=0.5, dropout=0.0, aux=False)
        made.network.load_state_dict(learned)
        return made

    return make


def agreement(run, original):
    return min(float((run(p) == original.predict(p).labels).mean()) for p in PICTURES)


@pytest.fixture(scope="module")
def original(learned):
    made = model(width=0.5, dropout=0.0, aux=False)
    made.network.load_state_dict(learned)
    return made


@pytest.fixture(scope="module")
def graph(original):
    return build(original, "labels", "fp32", [])


@pytest.fixture(scope="module")
def file(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    onnx.save(graph, path)
    return path


def test_pictures_of_any_size_get_the_original_s_labels(original, graph):
    labels = [original.predict(p).labels for p in PICTURES]
    assert len(np.unique(labels[0])) > 3, "something must be told apart for this to prove anything"
    assert agreement(runner(graph), original) > 0.999


def test_resizing_is_inside(again):
    small = again((64, 128))
    assert agreement(runner(build(small, "labels", "fp32", [])), small) > 0.98  # OpenCV resizes bytes in its own way


@pytest.mark.parametrize(("precision", "least"), [("fp16", 0.98), ("int8", 0.7)])
def test_smaller_numbers_stay_close(original, graph, precision, least):
    smaller = build(original, "labels", precision, PICTURES)
    assert agreement(runner(smaller), original) > least
    assert smaller.ByteSize() < 0.75 * graph.ByteSize()


def test_other_outputs(original):
    picture = PICTURES[0]
    labels = original.predict(picture).labels
    ids = runner(build(original, "label_ids", "fp32", []))(picture)
    assert (ids == LABEL_SPACE.decode(labels)).mean() > 0.999
    probabilities = runner(build(original, "probabilities", "fp32", []))(picture)
    assert np.abs(probabilities - original.predict(picture).probabilities).max() < 1e-3
    assert runner(build(original, "coarse", "fp32", []))(picture).shape == (19, 12, 20)


def test_openvino_and_torchscript_agree(original, graph):
    assert agreement(openvino.runner(openvino.convert(graph)), original) > 0.999
    traced = torchscript.build(original, PICTURES[1].shape[:2])
    assert (torchscript.run(traced, PICTURES[1]) == original.predict(PICTURES[1]).labels).mean() > 0.999


def scenes(original):
    return [Scene(p, original.predict(p).labels, None, str(i)) for i, p in enumerate(PICTURES)]


def test_the_gate_lets_a_faithful_export_pass(original, graph):
    verdict = compare(original, runner(graph), scenes(original), 0.001)
    assert verdict.passed
    assert verdict.before == 1.0
    assert verdict.equal > 0.999


def wrong_mean(copy):
    copy.network.mean.add_(0.3)


def wrong_std(copy):
    copy.network.std.mul_(3)


def swapped_channels(copy):
    copy.network.mean.copy_(copy.network.mean.flip(1) + torch.tensor([0.2, 0, -0.2]).view(1, 3, 1, 1))


def wrong_resize(copy):
    copy.input.target_size = (32, 64)


@pytest.mark.parametrize("breaks", [wrong_mean, wrong_std, swapped_channels, wrong_resize])
def test_the_gate_catches_a_broken_export(original, again, breaks):
    copy = again()
    breaks(copy)
    verdict = compare(original, runner(build(copy, "labels", "fp32", [])), scenes(original), 0.01)
    assert not verdict.passed


def test_swapped_colours_are_caught(original, graph):
    run = runner(graph)
    verdict = compare(original, lambda p: run(np.ascontiguousarray(p[..., ::-1])), scenes(original), 0.001)
    assert not verdict.passed


def test_the_file_says_what_it_is(file):
    found = Runner(file)
    assert found.names == list(LABEL_SPACE.names)
    assert found.facts["model"] == {"name": "fast_scnn", "width": 0.5, "dropout": 0.0, "aux": False}
    assert found.label_ids[0] == 7
    assert json.dumps(found.facts["score"]) == "null"


def test_the_runner_needs_neither_torch_nor_opencv(file, original, tmp_path):
    Image.fromarray(PICTURES[0]).save(tmp_path / "street.png")
    script = (
        "import sys, runpy; sys.modules.update(dict.fromkeys(['torch', 'cv2', 'timm', 'yaml', 'rich', 'numba'])); "
        f"sys.argv = ['run', {str(file)!r}, {str(tmp_path / 'street.png')!r}]; "
        f"runpy.run_path({str(Path(sceneseg.__file__).parent / 'run.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "street.png: " in done.stdout
    ids = np.asarray(Image.open(tmp_path / "street_labelIds.png"))
    assert (ids == LABEL_SPACE.decode(original.predict(PICTURES[0]).labels)).mean() > 0.999
    assert np.asarray(Image.open(tmp_path / "street_overlay.png")).shape == PICTURES[0].shape


def test_the_script_for_tensorrt_names_its_file_and_shapes(tmp_path):
    text = tensorrt.script("fast_scnn", "int8", (1024, 2048))
    assert "--onnx=fast_scnn.onnx" in text
    assert "--fp16 --int8" in text
    assert "image:1x1024x2048x3" in text
    (tmp_path / "build.sh").write_text(text)
    assert subprocess.run(["bash", "-n", str(tmp_path / "build.sh")], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", segmentation_models())
def test_every_architecture_can_be_exported(name):
    sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
    from test_contract import TINY

    whole = model(name, **TINY.get(name, {}))
    assert agreement(runner(build(whole, "labels", "fp32", [])), whole) > 0.99
