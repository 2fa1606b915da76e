"""A range test trains what a training would, from the same weights for every optimizer, and leaves nothing behind."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from sceneseg.cli.app import app
from sceneseg.config.conversion import from_dict
from sceneseg.errors import ConfigError, UnknownNameError
from sceneseg.optim.lr_range import rates
from sceneseg.records.run_directory import create_run
from sceneseg.training import start
from sceneseg.training.builder import build_setup, build_trainer
from sceneseg.training.callbacks import Callback
from sceneseg.training.gradients import random_state
from sceneseg.training.lr_finder import sweep_rates


def build(toy_root, **options):
    config = from_dict(
        {
            "model": {"name": "fast_scnn", "width": 0.25},
            "data": {"name": "cityscapes", "root": str(toy_root), "workers": 0},
            "augment": {"crop_size": [32, 64]},
            "train": {"batch_size": 3, "device": "cpu", "precision": "32-true"},
            **options,
        }
    )
    fabric, task, _ = start.open_task(config, print)
    return build_setup(task.config, task, fabric, print)


def snapshot(setup):
    step = setup.step
    return (
        {name: value.clone() for name, value in step.state_dict().items()},
        {name: part.training for name, part in step.named_modules()},
        random_state()["torch"],
        [p.grad for p in step.parameters()],
    )


def test_the_model_is_left_as_it_was(toy_root):
    made = build(toy_root)
    made.module.eval()
    weights, modes, random, _ = snapshot(made)
    sweep_rates(made, "sgd", rates(1e-4, 1, 4), print)
    after = snapshot(made)
    assert all(torch.equal(weights[name], value) for name, value in after[0].items())
    assert modes == after[1]
    assert torch.equal(random, after[2])
    assert not [g for g in after[3] if g is not None]


def test_every_optimizer_begins_alike(toy_root):
    made = build(toy_root)
    first, other, again = (sweep_rates(made, name, rates(1e-9, 1, 6), print) for name in ("sgd", "adamw", "sgd"))
    assert first.losses.tolist() == again.losses.tolist()
    assert first.losses[0] == pytest.approx(other.losses[0], rel=1e-5), "after a step of nearly zero"
    assert first.losses[-1] != other.losses[-1]


def test_steps_and_batches_are_those_of_training(toy_root, tmp_path):
    """At a constant rate the test has the losses of a training without a schedule."""
    options = {"optim": {"name": "sgd", "lr": 0.1}, "schedule": {"name": "constant"}}
    found = sweep_rates(build(toy_root, **options), "sgd", np.full(3, 0.1), print)
    setup = build(toy_root, **options)
    expected = []

    class Losses(Callback):
        def on_step_end(self, view):
            expected.append(view.loss)
            if view.step == 4:
                view.stop()

    build_trainer(setup, create_run(tmp_path, "finder"), [Losses()]).fit()
    assert found.losses.tolist() == expected[1:]


def test_it_stops_when_the_loss_explodes(toy_root):
    found = sweep_rates(build(toy_root), "sgd", rates(1e-2, 1e9, 40), print)
    assert found.diverged
    assert len(found.rates) == len(found.losses) < 40


def test_the_verb_leaves_curves_and_suggestions(toy_root, tmp_path, capsys):
    line = f"find-lr -m fast_scnn --model.width 0.25 -d cityscapes -p {toy_root} -f sgd,adamw,ftrl -b 2 --steps 10"
    line += f" --augment.crop-size 32 64 --train.device cpu --data.workers 0 --runs {tmp_path}"
    app(line.split(), result_action="return_value")
    folder = tmp_path / "find_lr-cityscapes-fast_scnn"
    found = json.loads((folder / "find_lr.json").read_text())["tests"]
    assert [test["optimizer"] for test in found] == ["sgd", "adamw", "ftrl"]
    assert all(test["suggested_by"] == "valley" for test in found)
    rows = (folder / "find_lr.csv").read_text().splitlines()
    assert len(rows) == 1 + sum(test["steps"] for test in found)
    picture = np.asarray(Image.open(folder / "find_lr.png").convert("RGB"))
    colors = {tuple(color) for color in picture.reshape(-1, 3)[::7].tolist()}
    assert {(0x1F, 0x5F, 0xD0), (0xD9, 0x48, 0x0F), (0x2B, 0x8A, 0x3E)} <= colors, "a line for each"
    assert "suggested" in capsys.readouterr().out


def test_mistakes_are_found_before_anything_runs(tmp_path):
    line = f"find-lr -m fast_scnn -d cityscapes --runs {tmp_path}"
    with pytest.raises(UnknownNameError, match='"adamww".*Did you mean "adamw"'):
        app([*line.split(), "-f", "sgd,adamww"], result_action="return_value")
    with pytest.raises(ConfigError, match="--lowest must be a number above 0"):
        app([*line.split(), "--lowest", "0"], result_action="return_value")
