"""A file that is broken in one way gets through nothing: not through `sceneseg export` as it is typed."""

import re
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from sceneseg import datasets, models
from sceneseg.cli.app import main
from sceneseg.cli.export import export
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.export import _graph, job, onnx
from sceneseg.export.gate import GateError, Verdict
from sceneseg.export.onnx import translate
from sceneseg.export.plan import make_plan
from sceneseg.inference.predictor import Preprocessing, SemanticModel
from sceneseg.inference.resizing import as_input, nearest_labels, resize_picture

SEEN = (32, 64)  # half the size of the images


@pytest.fixture(scope="module")
def weights(toy_root, tmp_path_factory):
    """Weights that know the streets on which they are compared."""
    torch.manual_seed(0)
    arguments = {"width": 8, "depth": 2}
    network = models.create("unet", num_classes=19, **arguments).train()
    dataset = datasets.create("cityscapes", root=str(toy_root), split="val")
    scenes = [dataset.read(i) for i in range(len(dataset))]
    images = as_input(np.stack([resize_picture(scene.image, SEEN, "opencv") for scene in scenes]))
    labels = torch.from_numpy(np.stack([nearest_labels(scene.labels, SEEN) for scene in scenes])).long()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels, ignore_index=255).backward()
        optimizer.step()
    model = SemanticModel(network.eval(), LABEL_SPACE, {"name": "unet", **arguments}, Preprocessing(target_size=SEEN))
    file = tmp_path_factory.mktemp("weights") / "street.safetensors"
    model.save(file, network.state_dict())
    return file


@pytest.fixture(scope="module")
def body(weights):
    """The network, translated once."""
    model = SemanticModel.load(weights, "cpu")
    return translate(model, make_plan(model))


@pytest.fixture
def asked(weights, body, toy_root, tmp_path, monkeypatch):
    """What is asked of the command, which puts everything around the network anew."""

    def compose(model, plan, calibration):
        return _graph.assemble(body, replace(plan, precision="fp32"))

    monkeypatch.setattr(onnx, "compose", compose)
    return {"weights": weights, "data": "cityscapes", "root": str(toy_root), "out": tmp_path / "street.onnx"}


@pytest.fixture
def command(asked, monkeypatch):
    """Type the command; return its exit code."""

    def command(*more: str) -> int:
        words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
        monkeypatch.setattr(sys, "argv", ["sceneseg", "export", *words, *more])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return command


def around_the_network(change):
    """Break what stands around the network by another plan."""

    def breaks(patch):
        patch.setattr(job, "make_plan", lambda *asked: change(make_plan(*asked)))

    return breaks


def nearest_pixels(patch):
    """Take the nearest pixel where images are resized, instead of interpolating."""
    truth = _graph.Nodes.resize

    def resize(nodes, x, size, *rest, **attributes):
        way = {"mode": "nearest"} if nodes.prefix == "input" else {}
        return truth(nodes, x, size, *rest, **attributes, **way)

    patch.setattr(_graph.Nodes, "resize", resize)


def blue_for_red(patch):
    """Exchange the channels of the image."""
    truth = _graph.Nodes.add

    def add(nodes, operation, *inputs, **rest):
        found = truth(nodes, operation, *inputs, **rest)
        return truth(nodes, "Gather", found, nodes.constant([2, 1, 0]), axis=3) if inputs == (_graph.IMAGE,) else found

    patch.setattr(_graph.Nodes, "add", add)


BROKEN = {
    "mean": around_the_network(lambda plan: replace(plan, mean=tuple(x + 0.1 for x in plan.mean))),
    "std": around_the_network(lambda plan: replace(plan, std=tuple(1.5 * x for x in plan.std))),
    "channels": blue_for_red,
    "resizing": nearest_pixels,
}


def test_a_faithful_file_is_written(command, asked):
    assert command() == 0
    assert asked["out"].is_file()


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_not_written(command, asked, monkeypatch, capsys, what):
    BROKEN[what](monkeypatch)
    assert command() == 1
    told = capsys.readouterr()
    assert re.search(r"mean +\d+\.\d+% +\d+\.\d+% +-\d", told.out), "the table is shown"
    assert "Nothing was written" in told.err
    assert not list(asked["out"].parent.iterdir())


def test_the_tolerance_is_in_points(asked, monkeypatch):
    BROKEN["std"](monkeypatch)
    with pytest.raises(GateError) as refused:
        export(**asked)
    drop = float(re.search(r"drops by (\S+) points, more than the tolerance of 0.1\.", str(refused.value))[1])
    assert drop > 1
    with pytest.raises(GateError, match=f"more than the tolerance of {drop - 0.5:g}"):
        export(**asked, tolerance=drop - 0.5)
    export(**asked, tolerance=drop + 0.5)
    assert asked["out"].is_file()


@pytest.mark.parametrize(
    ("precision", "points", "kept"),
    [("fp32", 0.09, True), ("fp32", 0.11, False), ("fp16", 0.11, False), ("int8", 0.99, True), ("int8", 1.01, False)],
)
def test_what_may_be_lost_when_nothing_is_said(asked, monkeypatch, precision, points, kept):
    def compare(model, exported, scenes, tolerance, *rest):
        return Verdict(2, 0.9, 0.5, 0.5 - points / 100, {}, tolerance)

    monkeypatch.setattr(job, "compare", compare)
    ranges = {"calibration": 1} if precision == "int8" else {}
    if kept:
        export(**asked, precision=precision, **ranges)
    else:
        with pytest.raises(
            GateError, match=f"drops by {points} points, more than the tolerance of {1 if precision == 'int8' else 0.1}"
        ):
            export(**asked, precision=precision, **ranges)
    assert asked["out"].is_file() == kept
