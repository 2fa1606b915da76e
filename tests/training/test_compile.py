"""`--compile`: the same training, with weights that know nothing of it."""

import shutil

import pytest
import torch

from sceneseg import models
from sceneseg.config.conversion import from_dict
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError
from sceneseg.records import run_directory
from sceneseg.tasks.training_step import TrainingStep
from sceneseg.training import start

needs_compiler = pytest.mark.skipif(
    not any(shutil.which(name) for name in ("g++", "clang++", "c++")), reason="no C++ compiler for torch.compile"
)


def configuration(toy_root, **train):
    return from_dict(
        {
            "model": {
                "name": "fast_scnn",
                "width": 0.25,
                "dropout": 0.0,
                "aux": False,
            },  # the compiler draws dropout otherwise
            "data": {"name": "cityscapes", "root": str(toy_root), "workers": 0},
            "augment": {"crop_size": [32, 64]},
            "optim": {"name": "sgd", "lr": 1e-3},  # BatchNorm of four values makes more of the last digits than that
            "train": {
                **{"epochs": 1, "batch_size": 4, "steps_per_epoch": 3, "device": "cpu", "ema": 0.9},
                **{"precision": "32-true", **train},
            },
        }
    )


@pytest.mark.slow
@needs_compiler
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the compiler's own modules
def test_compiled_training_is_the_same_training(toy_root, tmp_path):
    torch._dynamo.reset()
    found = {}
    for compiled in (False, True):
        run, finished = start.start(configuration(toy_root, compile=compiled), tmp_path)
        assert finished
        (row,) = run_directory.read_history(run.history)
        state = torch.load(run.state, weights_only=True)
        found[compiled] = (float(row["loss"]), run_directory.load_weights(run.last), state["parts"]["network"])
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0, "nothing was compiled"
    assert found[True][0] == pytest.approx(found[False][0], rel=1e-5)
    for plain, compiled in zip(found[False][1:], found[True][1:], strict=True):
        assert plain.keys() == compiled.keys()
        for name, value in plain.items():
            torch.testing.assert_close(compiled[name], value, rtol=1e-3, atol=1e-5)
    assert start.resume(run, {"train": {"epochs": 2}})
    assert [row["step"] for row in run_directory.read_history(run.history)] == ["3", "6"]


def test_without_a_compiler_it_is_a_sentence(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    step = TrainingStep(models.create("fast_scnn", num_classes=3, width=0.25), Config(), None)
    with pytest.raises(ConfigError, match=r"Compiling needs a C\+\+ compiler.*leave train.compile out"):
        step.compile()
