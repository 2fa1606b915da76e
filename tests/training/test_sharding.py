"""FSDP with two processes on the CPU learns what DDP does, and its states fit any number of them."""

import os
import subprocess
import sys

import pytest
import torch

from sceneseg.config.conversion import from_dict
from sceneseg.errors import ConfigError
from sceneseg.records import run_directory
from sceneseg.records.run_directory import RunDirectory
from sceneseg.training.sharding import strategy

TRAIN = [sys.executable, "-m", "sceneseg.cli.app", "train"]


def sceneseg(*options):
    done = subprocess.run(
        [*TRAIN, *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def train(toy_root, folder, name, devices, epochs=2, how=()):
    sceneseg(
        *("-m", "fast_scnn", "--model.width", "0.25", "--model.dropout", "0", "-d", "cityscapes", "-p", toy_root),
        *("-b", "4", "-e", epochs, "--train.steps-per-epoch", "2", "--augment.crop-size", "32", "64"),
        *("--train.device", "cpu", "--devices", devices, "--train.freeze-norm", "--train.precision", "32-true"),
        *("--data.workers", "0", "-f", "adamw", "-l", "1e-2", "--schedule", "constant", "--train.ema", "0.5"),
        *("--runs", folder, "--name", name, *how),
    )
    return RunDirectory(folder / name)


FSDP = ("--train.strategy", "fsdp")


def losses(run):
    return [float(row["loss"]) for row in run_directory.read_history(run.history)]


@pytest.mark.slow
def test_processes_with_parts_of_the_weights_learn_what_those_with_all_do(toy_root, tmp_path):
    whole = train(toy_root, tmp_path, "whole", 2, 3)
    parts = train(toy_root, tmp_path, "parts", 2, 2, (*FSDP, "--train.clip-grad", "100"))
    assert losses(parts) == pytest.approx(losses(whole)[:2], rel=1e-6)
    assert losses(whole)[2] < losses(whole)[0] - 0.05, "something must be learned for this to prove anything"

    one, two = (torch.load(run.state, weights_only=True)["parts"] for run in (whole, parts))
    assert two.keys() == {"network", "optimizer", "average"}
    for part in two:
        shapes = [[v.shape for v in tensors(saved[part])] for saved in (one, two)]
        assert shapes[0] == shapes[1], f"{part} isn't saved whole"
    assert run_directory.load_weights(parts.last).keys() == run_directory.load_weights(whole.last).keys()

    sceneseg("-r", parts.path, "-e", "3", "--train.strategy", "ddp")  # goes on without shards
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-4)
    sceneseg("-r", whole.path, "-e", "4", *FSDP)  # and the other way round
    sceneseg("-r", parts.path, "-e", "4", "--devices", "1")  # float32 differs by the number of processes
    assert losses(whole) == pytest.approx(losses(parts), rel=3e-3)


def tensors(state):
    if isinstance(state, dict):
        return [found for value in state.values() for found in tensors(value)]
    return [state] if isinstance(state, torch.Tensor) else []


def configuration(**changes):
    return from_dict({"train": {"strategy": "fsdp", **changes.pop("train", {})}, **changes})


def test_what_cannot_be_sharded_is_a_sentence():
    with pytest.raises(ConfigError, match="this run has one.*train.devices"):
        strategy(configuration(), "32-true", 1)
    with pytest.raises(ConfigError, match="fsdp doesn't work with 16-mixed.*bf16-mixed"):
        strategy(configuration(), "16-mixed", 2)
    with pytest.raises(ConfigError, match="muon needs whole matrices"):
        strategy(configuration(optim={"name": "muon"}), "32-true", 2)
    with pytest.raises(ConfigError, match="train.compile doesn't work"):
        strategy(configuration(train={"compile": True}), "32-true", 2)
    with pytest.raises(ConfigError, match="batch of 8 can't be divided evenly among 3.*batch_size"):
        strategy(configuration(), "32-true", 3)
    assert type(strategy(configuration(), "bf16-mixed", 2)).__name__ == "ModelParallelStrategy"
    assert strategy(from_dict({}), "16-mixed", 2) == "auto"
