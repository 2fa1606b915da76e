"""What the loop does beside learning: it stops early, refuses numbers that aren't finite, goes on for longer."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

import sceneseg
from sceneseg import tasks
from sceneseg.config.conversion import changed, from_dict
from sceneseg.datasets.cityscapes import Cityscapes
from sceneseg.errors import ConfigError, RunError, TrainingError
from sceneseg.evaluation.counting import count_scenes
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.scores import semantic_scores
from sceneseg.packing.pack import pack
from sceneseg.records import run_directory
from sceneseg.records.run_directory import RunDirectory
from sceneseg.toy import write_toy_scenes
from sceneseg.training import checkpoint, start
from sceneseg.training.builder import build_setup, build_trainer
from sceneseg.training.gradients import GradientAccumulator
from sceneseg.training.processes import launch


def configuration(toy_root, **train):
    return from_dict(
        {
            "model": {"name": "fast_scnn", "width": 0.25},
            "data": {"name": "cityscapes", "root": str(toy_root), "workers": 0},
            "augment": {"crop_size": [32, 64]},
            "train": {"epochs": 2, "batch_size": 3, "steps_per_epoch": 2, "device": "cpu", **train},
        }
    )


def fit(config, folder):
    run, finished = start.start(config, folder)
    return run, finished, run_directory.read_history(run.history)


def test_a_finished_run_goes_on_for_longer(toy_root, tmp_path):
    run, _, history = fit(configuration(toy_root), tmp_path)
    assert len(history) == 2
    assert start.resume(run, {"train": {"epochs": 3}})
    assert [row["epoch"] for row in run_directory.read_history(run.history)] == ["1", "2", "3"]
    assert run.load_config().train.epochs == 3


def test_a_resumed_run_keeps_what_makes_it_that_run(toy_root, tmp_path):
    run, *_ = fit(configuration(toy_root, epochs=1), tmp_path)
    with pytest.raises(ConfigError, match="optim.lr can't change.*train.epochs"):
        start.resume(run, {"optim": {"lr": 0.1}})


def test_auto_finds_the_run_of_the_same_configuration(toy_root, tmp_path):
    run, *_ = fit(configuration(toy_root, epochs=1), tmp_path)
    assert start.find_unfinished(configuration(toy_root, epochs=1), tmp_path).path == run.path
    assert start.find_unfinished(configuration(toy_root, batch_size=2), tmp_path) is None
    elsewhere = configuration(tmp_path, epochs=1)
    assert start.find_unfinished(elsewhere, tmp_path) is None
    named = changed(
        configuration(toy_root, epochs=3, checkpoint_minutes=1.0),
        {"data": {"root": None, "workers": 1}},  # the environment says where it lies
    )
    assert start.find_unfinished(named, tmp_path).path == run.path
    asked = {"data": {"workers": 1}, "train": {"epochs": 3, "checkpoint_minutes": 1.0}}
    assert start.what_changes(named, run) == asked


def test_a_run_on_packed_scenes_goes_on(toy_root, tmp_path):
    pack(Cityscapes(toy_root, "train"), tmp_path / "packed")
    pack(Cityscapes(toy_root, "val"), tmp_path / "packed")
    config = changed(configuration(tmp_path / "packed", epochs=1), {"data": {"name": "packed"}})
    run, *_ = fit(config, tmp_path)
    assert run.load_config().data.name == "packed"
    assert start.resume(run, {"train": {"epochs": 2}})
    assert len(run_directory.read_history(run.history)) == 2


def test_patience_stops_a_run_that_no_longer_improves(toy_root, tmp_path, monkeypatch):
    config = configuration(toy_root, epochs=9, patience=2)
    found = iter([0.2, 0.3, 0.3, 0.1, 0.5])
    validate = tasks.semantic.Semantic.validate

    def scored(self, workers):
        validation = validate(self, workers)
        validation.scores.means["mean_iou"] = next(found)
        return validation

    monkeypatch.setattr(tasks.semantic.Semantic, "validate", scored)
    run, finished, history = fit(config, tmp_path)
    assert finished
    assert len(history) == 4
    assert start.resume(run, {})
    assert len(run_directory.read_history(run.history)) == 4, "a run that was stopped early isn't taken up again"


def test_any_score_can_choose_the_best(toy_root, tmp_path):
    run, _, history = fit(configuration(toy_root, best="mean_dice"), tmp_path)
    header = run_directory.read_header(run.best)
    assert header.score.means["mean_dice"] == max(float(row["mean_dice"]) for row in history)
    with pytest.raises(ConfigError, match='no score "mean_iuo".*mean_dice'):
        fit(configuration(toy_root, best="mean_iuo"), tmp_path)


@pytest.mark.parametrize("kind", ["loss", "gradient"])
def test_numbers_that_are_not_finite_stop_the_run_and_name_the_files(toy_root, tmp_path, monkeypatch, kind):
    compute = GradientAccumulator.compute
    calls, before = [], {}

    def poisoned(self, batch, say):
        if len(calls) == 2:
            before.update({key: value.clone() for key, value in self.step.network.state_dict().items()})
        value = compute(self, batch, say)
        calls.append(batch.names)
        if len(calls) == 3 and kind == "loss":
            return float("nan")
        if len(calls) == 3:
            next(iter(self.step.parameters())).grad.fill_(float("inf"))
        return value

    monkeypatch.setattr(GradientAccumulator, "compute", poisoned)
    with pytest.raises(TrainingError, match="Step 3: the .*(nan|inf)") as caught:
        fit(configuration(toy_root), tmp_path)
    assert all(name in str(caught.value) for name in calls[2])
    (state,) = tmp_path.glob("*/state.ckpt")
    saved = torch.load(state, weights_only=True)
    assert saved["progress"]["step"] == 2
    assert all(torch.equal(value, before[key]) for key, value in saved["parts"]["network"].items())


def test_clipped_gradients_are_no_longer_than_asked_for(toy_root, tmp_path):
    config = changed(
        configuration(toy_root, clip_grad=1e-3, precision="32-true", epochs=1, steps_per_epoch=1),
        {"optim": {"name": "sgd", "lr": 1.0, "momentum": 0.0, "weight_decay": 0.0}, "schedule": {"name": "constant"}},
    )
    setup = build_setup(config, tasks.create(config), launch(config), print)
    before = [p.detach().clone() for p in setup.model.network.parameters()]
    assert build_trainer(setup, run_directory.create_run(tmp_path, "clipped")).fit()
    moved = [(a - b).detach() for a, b in zip(setup.model.network.parameters(), before, strict=True)]
    assert torch.cat([m.flatten() for m in moved]).norm() == pytest.approx(1e-3, rel=1e-3)


def test_a_full_disk_leaves_the_last_good_state(toy_root, tmp_path, monkeypatch):
    run, *_ = fit(configuration(toy_root, epochs=1), tmp_path)
    before = run.state.read_bytes()

    def full(state, file):
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint.torch, "save", full)
    with pytest.raises(RunError, match="No space left.*last good state stays.*resume"):
        start.resume(run, {"train": {"epochs": 2}})
    assert run.state.read_bytes() == before
    assert not list(run.path.glob(".state*"))


TRAIN = [
    sys.executable,
    "-m",
    "sceneseg.cli.app",
    "train",
    "-m",
    "fast_scnn",
    "--model.width",
    "0.25",
    "--model.dropout",
    "0",
]


def processes(toy_root, folder, devices, lr, how=("--train.freeze-norm",)):
    """Train with a batch of 4 in one or two processes on the CPU."""
    command = [
        *(*TRAIN, "-d", "cityscapes", "-p", str(toy_root), "-b", "4", "-e", "2", "--train.steps-per-epoch", "2"),
        *("--augment.crop-size", "32", "64", "--train.device", "cpu", "--devices", str(devices)),
        *("--train.precision", "32-true", "--data.workers", "0"),
        *("--optimizer", "sgd", "-l", lr, "--runs", str(folder), "--name", f"by{devices}", *how),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [p.name for p in folder.iterdir() if p.is_dir()].count(f"by{devices}") == 1
    assert not (folder / f"by{devices}-2").exists()
    return RunDirectory(folder / f"by{devices}")


def test_two_processes_learn_and_score_what_one_does(toy_root, tmp_path):
    alone, together = (processes(toy_root, tmp_path, n, "1") for n in (1, 2))
    losses = [[float(row["loss"]) for row in run_directory.read_history(run.history)] for run in (alone, together)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[0][1] < losses[0][0] - 0.05, "something must be learned for this to prove anything"


def test_two_processes_count_what_one_counts(tmp_path):
    """The same weights, validated by both: every pixel once, though the images aren't divisible by two."""
    write_toy_scenes(tmp_path / "toy", count=15, size=(64, 128), seed=0)
    alone, together = (processes(tmp_path / "toy", tmp_path, n, "1e-30") for n in (1, 2))
    scores = [json.loads(run.metrics.read_text()) for run in (alone, together)]
    assert scores[0]["protocol"]["images"] % 2 == 1
    assert scores[0] == scores[1]
    counts = [SemanticCounts.load(run.confusion) for run in (alone, together)]
    assert counts[0].names == counts[1].names
    for name in counts[0].names:
        assert (counts[0].images[name].confusion == counts[1].images[name].confusion).all()


def test_the_scores_of_two_processes_are_those_of_the_saved_weights(toy_root, tmp_path):
    """Each has seen other samples, so that their statistics of BatchNorm differ until they agree on one's."""
    run = processes(toy_root, tmp_path, 2, "1", ("--train.ema", "0.5"))
    seen = sceneseg.load(run.last, "cpu")
    dataset = Cityscapes(toy_root, "val")
    counts = count_scenes(seen, map(dataset.read, range(len(dataset))), seen.label_space)
    scores = semantic_scores(counts)
    header = run_directory.read_header(run.last)
    assert header.score.means["mean_iou"] == scores.means["mean_iou"]


def test_a_signal_to_one_of_two_processes_saves_the_state_of_both(toy_root, tmp_path):
    command = [
        *(*TRAIN, "-d", "cityscapes", "-p", str(toy_root), "-b", "4", "-e", "50", "--train.steps-per-epoch", "8"),
        *("--augment.crop-size", "32", "64", "--train.device", "cpu", "--devices", "2", "--data.workers", "0"),
        *("--train.validate-every", "50", "--runs", str(tmp_path), "--name", "two"),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    run, steps = RunDirectory(tmp_path / "two"), 0
    deadline = time.monotonic() + 120
    while not steps:  # of the first epoch
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        steps = torch.load(run.state, weights_only=True)["progress"]["step"] if run.state.is_file() else 0
    process.send_signal(signal.SIGTERM)
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail("the processes wait for each other")
    assert process.returncode == 130, out + err
    assert "the state is saved" in out
    saved = torch.load(run.state, weights_only=True)
    assert saved["progress"]["step"] >= steps
    assert len(saved["random"]) == 2


def test_a_batch_smaller_than_the_processes_is_refused():
    with pytest.raises(ConfigError, match="batch of 1 can't be divided among 2.*batch_size of 2"):
        launch(from_dict({"train": {"batch_size": 1, "devices": 2, "device": "cpu"}}))
