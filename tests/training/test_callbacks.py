"""Everything that a run does beside learning is a callback: when each is called, and that failures close them all."""

import signal

import pytest
import torch

from sceneseg import tasks
from sceneseg.config.conversion import from_dict
from sceneseg.records.run_directory import MARKER, create_run, load_weights
from sceneseg.training.builder import build_setup, build_trainer
from sceneseg.training.callbacks import Callback, Callbacks
from sceneseg.training.checkpoint import load_state, stateful_parts
from sceneseg.training.early_stopping import EarlyStopping
from sceneseg.training.processes import launch
from sceneseg.training.state import TrainState
from sceneseg.training.trainer import Trainer

MOMENTS = ("on_start", "on_step_end", "on_validation_end", "on_epoch_end", "on_end")


def build(toy_root, report=print, **train):
    config = from_dict(
        {
            "model": {"name": "fast_scnn", "width": 0.25},
            "data": {"name": "cityscapes", "root": str(toy_root), "workers": 0},
            "augment": {"crop_size": [32, 64]},
            "train": {"epochs": 2, "batch_size": 2, "steps_per_epoch": 2, "device": "cpu", **train},
        }
    )
    return build_setup(config, tasks.create(config), launch(config), report)


class Recorder(Callback):
    """Notes each moment with what `look` finds at it."""

    def __init__(self, look=lambda view: None):
        self.seen, self.look = [], look

    def on_start(self, view):
        self.seen.append(("start", self.look(view)))

    def on_step_end(self, view):
        self.seen.append((f"step {view.step}", self.look(view)))

    def on_validation_end(self, view):
        self.seen.append((f"validation {view.epoch}", self.look(view)))

    def on_epoch_end(self, view):
        self.seen.append((f"epoch {view.row['epoch']}", self.look(view)))

    def on_end(self, view):
        self.seen.append(("end", self.look(view)))

    def on_failure(self, view, error):
        self.seen.append((f"failure {error}", self.look(view)))


def test_a_trainer_without_callbacks_only_trains(toy_root, tmp_path, capfd):
    setup, run = build(toy_root), create_run(tmp_path, "a")
    before = {key: value.clone() for key, value in setup.model.network.state_dict().items()}
    assert Trainer(setup, run, [], print).fit()
    assert any(not torch.equal(value, before[key]) for key, value in setup.model.network.state_dict().items())
    assert [row["step"] for row in setup.state.history] == [2, 4]
    assert [file.name for file in run.path.iterdir()] == [MARKER]
    assert capfd.readouterr() == ("", "")


def test_callbacks_find_files_of_the_moment_and_the_state_of_the_moment_before(toy_root, tmp_path):
    def look(view):
        saved = torch.load(view.run.state, weights_only=True)["progress"]["step"] if view.run.state.is_file() else 0
        return view.run.last.is_file(), view.run.history.is_file(), saved

    recorder = Recorder(look)
    setup = build(toy_root, checkpoint_minutes=0)
    assert build_trainer(setup, create_run(tmp_path, "a"), [recorder]).fit()
    assert recorder.seen == [
        ("start", (False, False, 0)),
        ("step 1", (False, False, 0)),
        ("step 2", (False, False, 1)),
        ("validation 1", (True, False, 1)),
        ("epoch 1", (True, True, 1)),
        ("step 3", (True, True, 2)),
        ("step 4", (True, True, 3)),
        ("validation 2", (True, True, 3)),
        ("epoch 2", (True, True, 3)),
        ("end", (True, True, 4)),
    ]


def test_saved_weights_are_the_average_and_the_run_goes_on_with_its_own(toy_root, tmp_path):
    setup = build(toy_root, epochs=1, ema=0.5)
    run = create_run(tmp_path, "a")
    assert build_trainer(setup, run).fit()
    saved, own = load_weights(run.last), setup.model.network.state_dict()
    assert all(torch.equal(value, saved[key]) for key, value in setup.average.state.items())
    assert any(not torch.equal(value, saved[key]) for key, value in own.items())


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_failure_is_told_to_all_and_gives_the_signals_back(toy_root, tmp_path, moment):
    def fail(view):
        raise ValueError("mine")

    failing = Callback()
    setattr(failing, moment, fail)
    recorder, before = Recorder(), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="mine"):
        build_trainer(build(toy_root, epochs=1), create_run(tmp_path, "a"), [recorder, failing]).fit()
    assert recorder.seen[-1][0] == "failure mine"
    assert signal.getsignal(signal.SIGTERM) is before


def test_each_callback_hears_of_a_failure_though_another_raises():
    class Broken(Callback):
        def on_failure(self, view, error):
            raise OSError("full")

    first, last = Recorder(), Recorder()
    with pytest.raises(OSError, match="full"):
        Callbacks([first, Broken(), last]).on_failure(None, ValueError("mine"))
    assert first.seen == last.seen == [("failure mine", None)]


def test_a_signal_interrupts_after_the_step_with_the_state_saved(toy_root, tmp_path):
    class Killed(Recorder):
        def on_step_end(self, view):
            super().on_step_end(view)
            if view.step == 3:
                signal.raise_signal(signal.SIGTERM)

    recorder, setup, run = Killed(lambda view: view.interrupted), build(toy_root), create_run(tmp_path, "a")
    assert not build_trainer(setup, run, [recorder]).fit()
    assert recorder.seen[-2:] == [("step 3", False), ("end", True)]
    parts = stateful_parts(setup.fabric, setup.model.network, setup.optimizer, setup.average)
    assert load_state(run.state, parts).step == 3


def test_building_reports_and_prints_nothing(toy_root, capfd):
    said = []
    setup = build(toy_root, said.append, batch_size=8, memory="1MB")
    assert setup.config.train.micro_batch == 1
    assert [line for line in said if "computed in parts" in line]
    assert capfd.readouterr() == ("", "")


def test_patience_counts_validations_and_not_epochs(toy_root, tmp_path):
    setup = build(toy_root, epochs=9, validate_every=2)
    recorder = Recorder()
    setup.state.best = 1.0  # which nothing is better than
    assert Trainer(setup, create_run(tmp_path, "a"), [recorder, _Counting(), EarlyStopping(2)], print).fit()
    assert [name for name, _ in recorder.seen if "epoch" in name] == [f"epoch {n}" for n in range(1, 5)]


class _Counting(Callback):
    """Counts validations as `BestWeights` does, without writing."""

    def on_validation_end(self, view):
        view.state.add_score(view.scores["mean_iou"])


def test_other_data_forget_the_best_score():
    state = TrainState()
    assert [state.add_score(score) for score in (0.5, 0.4, 0.5, 0.6)] == [True, False, False, True]
    state.add_score(0.1)
    state.forget_best()
    assert state.stale == 0
    assert state.add_score(0.0)
