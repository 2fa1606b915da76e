"""Every loss, optimizer and schedule trains when it is typed: two steps of a tiny model on toy scenes, name by name."""

import math

import pytest
import torch

from sceneseg.cli.app import app
from sceneseg.losses import heads, losses
from sceneseg.optim.optimizers import optimizers
from sceneseg.optim.schedules import schedules
from sceneseg.records import run_directory
from sceneseg.records.run_directory import RunDirectory

FAST_SCNN = ("-m", "fast_scnn", "--model.width", "0.25")
PIDNET = ("-m", "pidnet", "--model.width", "8", "--model.boundary", "true", "--loss.boundary_bce", "20")
CLASS_LOSSES = [name for name in losses.names() if heads(losses.get(name)) == ("classes",)]


@pytest.fixture(scope="module")
def train(toy_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")

    def typed(*options: str) -> RunDirectory:
        """Train as the command line does; check that something finite was learned, and return the run."""
        before = set(folder.iterdir())
        app(
            [
                *("train", "-d", "cityscapes", "-p", str(toy_root), "-b", "2", "-e", "1", "--runs", str(folder)),
                *("--train.steps-per-epoch", "2", "--augment.crop-size", "32", "64", "--train.device", "cpu"),
                *("--data.workers", "0", "--data.no-check", *options),
            ],
            result_action="return_value",
            exit_on_error=False,
        )
        (made,) = set(folder.iterdir()) - before
        run = RunDirectory(made)
        (row,) = run_directory.read_history(run.history)
        assert row["step"] == "2"
        assert math.isfinite(float(row["loss"]))
        assert float(row["loss"]) > 0
        assert all(v.isfinite().all() for v in run_directory.load_weights(run.last).values())
        return run

    return typed


@pytest.mark.parametrize("name", CLASS_LOSSES)
def test_every_loss(train, name):
    assert train(*FAST_SCNN, f"--loss.{name}", "1").load_config().loss == {name: 1}


def test_losses_of_a_boundary_head(train):
    run = train(*PIDNET, "--loss.ohem", "1", "--loss.boundary_aware.threshold", "0.4", "--aux-loss.cross_entropy", "1")
    config = run.load_config()
    assert config.loss == {"boundary_bce": 20, "ohem": 1, "boundary_aware": {"threshold": 0.4}}
    assert config.aux_loss == {"cross_entropy": 1}


@pytest.mark.parametrize(
    ("options", "loss"),
    [
        ("--loss.cross_entropy.label_smoothing 0.1", {"cross_entropy": {"label_smoothing": 0.1}}),
        ("--loss.cross_entropy 1 --loss.dice 0.5", {"cross_entropy": 1, "dice": 0.5}),
        ("--loss.ce 2 --loss.ce.label-smoothing 0.1", {"ce": {"weight": 2, "label_smoothing": 0.1}}),
        ("--loss.focal 1 --train.class-weights enet", {"focal": 1}),
    ],
)
def test_arguments_and_sums_of_losses(train, options, loss):
    assert train(*FAST_SCNN, *options.split()).load_config().loss == loss


@pytest.mark.parametrize("name", optimizers.names())
def test_every_optimizer(train, name):
    run = train(*FAST_SCNN, "-f", name)
    saved = torch.load(run.state, weights_only=True)["parts"]["optimizer"]
    assert saved["state"] or name == "sgd"


@pytest.mark.parametrize("name", schedules.names())
def test_every_schedule(train, name):
    cycle = ["--cycle", "4"] if name == "cyclic" else []
    run = train(*FAST_SCNN, "--schedule", name, "-l", "1e-3", *cycle, "--schedule.warmup-steps", "1")
    assert run.load_config().schedule.name == name
    (row,) = run_directory.read_history(run.history)
    assert 0 <= float(row["lr"]) <= 1e-3
