"""Checkpoints in any nesting are read, nothing in them is executed, and every wrong file gets one sentence."""

import argparse
import contextlib
import json
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sceneseg.checkpoints.reading import read_checkpoint
from sceneseg.errors import RunError

STATE = {"conv.weight": torch.ones(2, 3, 1, 1), "conv.bias": torch.zeros(2)}


class Logger:
    """Stands for a class of another library, which a training saved beside the tensors."""

    def __init__(self):
        self.values = [1.0, 2.0]


class Evil:
    executed = False

    def __reduce__(self):
        return setattr, (Evil, "executed", True)


@pytest.mark.parametrize(
    ("saved", "nesting"),
    [
        (STATE, ()),
        (OrderedDict(STATE), ()),
        ({"state_dict": STATE}, ("state_dict",)),
        ({"model": STATE, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}, "epoch": 3}, ("model",)),
        ({"model_state": STATE, "best_score": 0.7}, ("model_state",)),
        ({"checkpoint": 1, "model": {"state_dict": STATE}}, ("model", "state_dict")),
        ({"state_dict": {"old.weight": torch.ones(1)}, "state_dict_ema": STATE}, ("state_dict_ema",)),
        ({"meta": {"CLASSES": ["a", "b"]}, "state_dict": STATE, "optimizer": {}}, ("state_dict",)),
        ({**STATE, "mask_values": [0, 1]}, ()),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_takes_tensors_out_of_any_nesting(saved, nesting, zipped, tmp_path):
    torch.save(saved, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    found = read_checkpoint(tmp_path / "a.pth")
    assert found.nesting == nesting
    assert set(found.state) == set(STATE)
    assert torch.equal(found.state["conv.weight"], STATE["conv.weight"])


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "beside",
    [
        np.float64(0.5),
        np.arange(3),
        argparse.Namespace(lr=0.1),
        Logger(),
        {"history": [Logger(), np.float32(1)]},
        Path("x"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_lies_beside_the_tensors_is_neither_imported_nor_made(beside, zipped, tmp_path, monkeypatch):
    torch.save({"state_dict": STATE, "beside": beside}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    monkeypatch.setattr(Logger, "__init__", lambda self: pytest.fail("made"))
    monkeypatch.setattr(Logger, "__setstate__", lambda self, state: pytest.fail("made"), raising=False)
    assert set(read_checkpoint(tmp_path / "a.pth").state) == set(STATE)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_is_executed(zipped, tmp_path):
    torch.save({"state_dict": STATE, "beside": Evil()}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with contextlib.suppress(RunError):  # it may be read without what it would execute
        read_checkpoint(tmp_path / "a.pth")
    assert not Evil.executed


def test_half_precision_becomes_float32(tmp_path):
    torch.save({key: value.half() for key, value in STATE.items()} | {"n": torch.tensor(3)}, tmp_path / "a.pth")
    state = read_checkpoint(tmp_path / "a.pth").state
    assert state["conv.weight"].dtype == torch.float32
    assert state["n"].dtype == torch.int64


def test_reads_the_classes_that_a_file_names(tmp_path):
    torch.save(
        {"meta": {"CLASSES": ("a", "b"), "PALETTE": [[1, 2, 3], [4, 5, 6]]}, "state_dict": STATE}, tmp_path / "0"
    )
    described = {"dataset_meta": {"classes": ["a", "b"], "palette": [(1, 2, 3), (4, 5, 6)]}, "cfg": "model = 1"}
    torch.save({"meta": described, "state_dict": STATE}, tmp_path / "1")
    old, new = (read_checkpoint(tmp_path / name).meta for name in "01")
    assert (old.classes, old.palette) == (new.classes, new.palette) == (("a", "b"), ((1, 2, 3), (4, 5, 6)))
    assert new.text == "model = 1"


def test_reads_folders_with_a_configuration(tmp_path):
    save_file(STATE, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"10": "c", "0": "a", "1": "b"}}))
    found = read_checkpoint(tmp_path)
    assert found.file.name == "model.safetensors"
    assert found.meta.classes == ("a", "b", "c")


def test_reads_weights_in_parts(tmp_path):
    parts = {key: f"model-{i:05}-of-00002.safetensors" for i, key in enumerate(STATE, 1)}
    for key, name in parts.items():
        save_file({key: STATE[key]}, tmp_path / name)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    assert set(read_checkpoint(tmp_path).state) == set(STATE)


def pickled(value, path):
    path.write_bytes(pickle.dumps(value, protocol=2))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.mkdir(), "expected a folder with one file of weights, found none"),
        (lambda path: None, "there is no such file"),
        (lambda path: path.write_bytes(b""), "empty file"),
        (lambda path: path.write_text("lr: 0.1\n"), "another format"),
        (lambda path: path.write_bytes(b"\xff\xd8\xff\xe0 a photograph"), "another format"),
        (lambda path: torch.save(torch.ones(3), path), "a single tensor"),
        (lambda path: torch.save([torch.ones(3)], path), "a list"),
        (lambda path: torch.save({"epoch": 3, "optimizer": {"state": {}}}, path), "the keys epoch, optimizer"),
        (lambda path: torch.save(torch.nn.Conv2d(1, 1, 1), path), "a StandIn|a whole module|another format"),
        (lambda path: pickled({"a": 1}, path), "another format|the keys a"),
    ],
)
def test_wrong_files_get_a_sentence(make, problem, tmp_path):
    path = tmp_path / "w.pth"
    make(path)
    with pytest.raises(RunError, match=problem) as error:
        read_checkpoint(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_cut_files_get_a_sentence(zipped, tmp_path):
    path = tmp_path / "w.pth"
    torch.save({"state_dict": STATE}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for length in range(1, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(RunError) as error:
            read_checkpoint(path)
        assert "\n" not in str(error.value)


def test_several_files_in_a_folder_are_named(tmp_path):
    for name in "ab":
        save_file(STATE, tmp_path / f"{name}.safetensors")
    with pytest.raises(RunError, match=r"2 of them: a\.safetensors, b\.safetensors"):
        read_checkpoint(tmp_path)
