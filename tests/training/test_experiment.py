"""An experiment trains what isn't trained yet, notes what failed, and goes on where it was stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from sceneseg.config.conversion import changed, to_dict
from sceneseg.config.schema import AugmentConfig, Config, DataConfig, TrainConfig
from sceneseg.config.variants import make_variants
from sceneseg.errors import ConfigError, DataError, RunError, reason_of
from sceneseg.records.comparison_plan import Budget, PlannedRun, write_plan
from sceneseg.records.experiment_progress import Outcome, read_progress
from sceneseg.records.locks import alone
from sceneseg.records.run_directory import RunDirectory, create_run
from sceneseg.training import experiment, isolated, start
from sceneseg.training.budget import STAGES, StepBudget, measure_step, parse_duration, with_steps
from sceneseg.training.callbacks import Callback
from sceneseg.training.experiment import carry_out, make_plan, open_comparison, plan_of_runs
from sceneseg.training.isolated import train_isolated
from small_run import make_small_run


@pytest.fixture
def base(toy_root):
    return Config(
        model={"name": "unet", "width": 4, "depth": 2},
        data=DataConfig(root=str(toy_root), workers=0, check=False),
        augment=AugmentConfig(crop_size=(32, 48)),
        train=TrainConfig(batch_size=2),
    )


@pytest.fixture
def plan(base):
    return make_plan(make_variants(base, ["unet", "fast_scnn", "espnet"]), Budget("time", 60.0))


def runs_of(comparison):
    return read_progress(comparison).runs


def pretend(monkeypatch, outcomes):
    """Train nothing, and return these outcomes one after the other; remember what was asked for."""
    asked = []
    left = iter(outcomes)

    def train(config, run, seconds):
        asked.append((run.path.name, config["train"]["steps_per_epoch"], seconds))
        run.path.mkdir(exist_ok=True)
        return next(left)

    monkeypatch.setattr(experiment, "train_isolated", train)
    return asked


def test_a_split_that_cannot_be_scored_is_found_before_any_training(base):
    variants = make_variants(base, ["unet", "fast_scnn"])
    with pytest.raises(DataError, match="test split of cityscapes has no labels.*compared on val"):
        make_plan(variants, Budget("time", 60.0), split="test")
    with pytest.raises(DataError, match='no split "tset"'):
        make_plan(variants, Budget("time", 60.0), split="tset")


def test_goes_on_where_it_was_stopped(monkeypatch, tmp_path, plan):
    comparison, there = open_comparison(tmp_path, "question", lambda c: plan)
    assert not there
    asked = pretend(monkeypatch, [Outcome("finished"), Outcome("interrupted", "interrupted", 0.5, 120)])
    assert not carry_out(comparison, False, lambda line: None)
    assert asked == [("unet", None, 60.0), ("fast_scnn", None, 60.0)]
    again, there = open_comparison(tmp_path, "question", lambda c: plan)
    assert (again, there) == (comparison, True)
    asked = pretend(monkeypatch, [Outcome("finished"), Outcome("failed", "ran out of memory")])
    assert carry_out(again, False, lambda line: None)
    assert asked == [("fast_scnn", 120 // STAGES, None), ("espnet", None, 60.0)], "the steps stay those measured first"
    assert {name: outcome.state for name, outcome in runs_of(comparison).items()} == {
        "unet": "finished",
        "fast_scnn": "finished",
        "espnet": "failed",
    }
    assert runs_of(comparison)["espnet"].reason == "ran out of memory"
    assert runs_of(comparison)["fast_scnn"].steps == 120
    asked = pretend(monkeypatch, [Outcome("finished")])
    assert carry_out(comparison, False, lambda line: None)
    assert asked == [], "nothing is left, and what failed isn't tried again unasked"
    assert carry_out(comparison, True, lambda line: None)
    assert [name for name, *_ in asked] == ["espnet"]


def test_another_question_gets_another_folder(tmp_path, base):
    plans = [make_plan(make_variants(base, ["unet"]), Budget("steps", steps)) for steps in (10, 20)]
    found = [open_comparison(tmp_path, "question", lambda c, plan=plan: plan)[0].path.name for plan in plans * 2]
    assert found == ["question", "question-2", "question", "question-2"]


def test_every_candidate_has_the_budget_and_the_seeds(base):
    plan = make_plan(make_variants(base, ["unet", "espnet"]), Budget("steps", 52), seeds=2)
    assert [run.folder for run in plan.runs] == ["unet-seed0", "unet-seed1", "espnet-seed0", "espnet-seed1"]
    trained = [run.config for run in plan.runs]
    assert {(c["train"]["epochs"], c["train"]["steps_per_epoch"]) for c in trained} == {(STAGES, 10)}
    assert [c["seed"] for c in trained] == [0, 1, 0, 1]
    epochs = make_plan(make_variants(base, ["unet"]), Budget("epochs", 7)).runs[0].config
    assert epochs["train"]["epochs"] == 7
    assert epochs["train"]["steps_per_epoch"] is None


def test_mistakes_are_found_before_anything_is_trained(base):
    with pytest.raises(ConfigError, match='Did you mean "fast_scnn"'):
        make_plan(make_variants(base, ["unet", "fast_scn"]), Budget("steps", 5))
    with pytest.raises(ConfigError, match='no argument "widht"'):
        make_plan(make_variants(base, [], ["model.widht=1,2"]), Budget("steps", 5))
    base = replace(base, task="classification")
    with pytest.raises(ConfigError, match="Only segmentation"):
        make_plan(make_variants(base, []), Budget("steps", 5))


def test_finished_runs_are_named_so_that_they_can_be_told_apart(tmp_path):
    runs = [tmp_path / "a" / "demo", tmp_path / "b" / "demo", tmp_path / "c"]
    for run in runs:
        run.mkdir(parents=True)
        (run / "config.yaml").touch()
    plan = plan_of_runs(runs, lambda run: run.name)
    assert [candidate.name for candidate in plan.candidates][:2] == ["a/demo", "b/demo"]
    with pytest.raises(ConfigError, match="named twice"):
        plan_of_runs([tmp_path / "c", tmp_path / "c"], lambda run: run.name)
    with pytest.raises(RunError, match="nothing doesn't exist"):
        plan_of_runs([tmp_path / "nothing"], lambda run: run.name)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("600", 600), ("2 min", 120)])
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "ten", "10d", "-5m", "0s"])
def test_other_durations(text):
    with pytest.raises(ConfigError, match="for example 90s, 10m or 2h"):
        parse_duration(text)


@pytest.mark.parametrize(("steps", "total"), [(1, 1), (3, 3), (5, 5), (52, 50), (1000, 1000)])
def test_stages(steps, total):
    usual = Config()
    config = with_steps(usual, steps)
    assert config.train.epochs * config.train.steps_per_epoch == total
    assert config.train.epochs <= STAGES
    assert config.train.validate_every == 1
    assert usual == Config(), "the configuration itself stays as it is"


def test_steps_are_measured_without_a_trace(base, monkeypatch):
    monkeypatch.setattr("sceneseg.training.budget.LEAST_SECONDS", 0.01)
    before = to_dict(base)
    assert 0 < measure_step(base) < 5
    assert to_dict(base) == before


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "ran out of memory (MemoryError)"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried\nmore"),
            "ran out of memory",
        ),
        (RuntimeError("CUDA out of memory. Tried"), "ran out of memory (CUDA"),
        (ConfigError("one sentence."), "one sentence."),
        (ValueError("bad\nmore"), "ValueError: bad"),
        (KeyError(), "KeyError"),
    ],
)
def test_reasons(error, said):
    assert reason_of(error).startswith(said)


def test_what_ends_a_process_is_said():
    silent = isolated._Messages()
    assert "memory ran out" in isolated._outcome(silent, -signal.SIGKILL).reason
    assert isolated._outcome(silent, -signal.SIGTERM).state == "interrupted"
    assert "SIGSEGV" in isolated._outcome(silent, -signal.SIGSEGV).reason
    assert isolated._outcome(isolated._Messages(outcome=Outcome("finished")), 0) == Outcome("finished")
    killed = isolated._outcome(isolated._Messages(StepBudget(0.5, 120)), -signal.SIGKILL)
    assert (killed.state, killed.seconds_per_step, killed.steps) == ("failed", 0.5, 120)


def test_a_training_that_fails_says_why_and_leaves_the_rest_alone(base, tmp_path):
    unet = {"name": "unet", "width": 4, "depth": 2}
    base = replace(base, model=unet, data=replace(base.data, root=str(tmp_path / "nothing")))
    outcome = train_isolated(to_dict(base), RunDirectory(tmp_path / "unet"))
    assert outcome.state == "failed"
    assert "nothing" in outcome.reason
    assert "Traceback" in (tmp_path / "unet.error.txt").read_text()


def test_a_folder_that_is_not_ours_is_left_alone(base, tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "thesis.txt").write_text("years")
    outcome = train_isolated(to_dict(base), RunDirectory(tmp_path / "unet"))
    assert outcome.state == "failed"
    assert "isn't removed" in outcome.reason
    assert (tmp_path / "unet" / "thesis.txt").read_text() == "years"
    (tmp_path / "link").symlink_to(tmp_path / "unet")
    assert train_isolated(to_dict(base), RunDirectory(tmp_path / "link")).state == "failed"
    assert (tmp_path / "unet" / "thesis.txt").exists()


def test_what_a_killed_training_of_ours_left_is_removed(tmp_path):
    run = create_run(tmp_path, "unet")
    (run.path / "config.yaml").write_text("half")
    assert isolated._clear(run) == ""
    assert not run.path.exists()
    run.path.mkdir()  # killed before the marker was written
    assert isolated._clear(run) == ""
    assert not run.path.exists()
    assert isolated._clear(run) == ""
    run = create_run(tmp_path, "unet")
    run.state.touch()
    run.config.touch()
    assert isolated._clear(run) == ""
    assert run.state.exists(), "there is a state to go on from"
    run.config.unlink()  # which can't be gone on from
    assert isolated._clear(run) == ""
    assert not run.path.exists()


def test_a_plan_that_leads_elsewhere_trains_nothing(monkeypatch, tmp_path, plan):
    comparison, _ = open_comparison(tmp_path, "question", lambda c: plan)
    (tmp_path / "victim").mkdir()
    last = replace(plan.candidates[2], runs=(PlannedRun("../victim", {}),))
    write_plan(comparison, replace(plan, candidates=(*plan.candidates[:2], last)))
    asked = pretend(monkeypatch, [])
    with pytest.raises(RunError, match=r'plain name of a folder in .*question, found "\.\./victim"'):
        carry_out(comparison, False, lambda line: None)
    assert asked == []
    assert (tmp_path / "victim").is_dir()


@pytest.mark.parametrize("name", ["../x", "a/b", "", "/tmp/x"])
def test_a_comparison_stays_in_the_folder_of_the_runs(tmp_path, plan, name):
    with pytest.raises(ConfigError, match="name of one folder"):
        open_comparison(tmp_path / "runs", name, lambda c: plan)
    assert not list(tmp_path.iterdir())


def test_a_run_is_trained_by_one_process_at_a_time(toy_root, tmp_path, base):
    run = make_small_run(tmp_path / "run", toy_root)
    before = run.config.read_bytes()
    with alone(run.path), pytest.raises(RunError, match="run is trained by this process"):
        start.resume(run, {"train": {"epochs": 200}})
    assert run.config.read_bytes() == before


def test_a_run_directory_that_is_removed_while_it_trains(base, tmp_path):
    base = changed(base, {"train": {"epochs": 3, "steps_per_epoch": 1, "device": "cpu"}, "name": "gone"})

    class Removing(Callback):
        def on_step_end(self, view):
            if view.step == 2:
                shutil.rmtree(view.run.path)

    with pytest.raises(RunError, match="removed or renamed after step 2"):
        start.start(base, tmp_path, [Removing()])
    assert not (tmp_path / "gone").exists()


@pytest.mark.slow
def test_a_comparison_that_is_interrupted_ends_as_if_it_had_not_been(toy_root, tmp_path):
    command = [
        *(
            sys.executable,
            "-m",
            "sceneseg.cli.app",
            "compare",
            "-m",
            "unet,espnet",
            "-d",
            "cityscapes",
            "-p",
            str(toy_root),
        ),
        *("--model.name", "unet", "--model.width", "4", "--model.depth", "2", "-b", "2", "--steps", "60"),
        *("--augment.crop-size", "32", "48", "--train.device", "cpu", "--data.workers", "0"),
        *("--train.checkpoint-minutes", "0", "--repetitions", "2", "--runs", str(tmp_path)),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole = subprocess.run([*command, "--name", "whole"], env=environment, capture_output=True, text=True, check=True)
    assert "comparison.html" in whole.stdout
    broken = subprocess.Popen([*command, "--name", "broken"], env=environment, stdout=subprocess.PIPE, text=True)
    espnet = RunDirectory(tmp_path / "broken" / "espnet")
    while not espnet.state.is_file():
        assert broken.poll() is None
        time.sleep(0.02)
    broken.send_signal(signal.SIGINT)
    out, _ = broken.communicate(timeout=120)
    assert broken.returncode == 130
    assert "Resume it with: sceneseg compare -r" in out
    first = (tmp_path / "broken" / "unet" / "weights" / "last.safetensors").stat().st_mtime_ns
    done = subprocess.run([*command, "--name", "broken"], env=environment, capture_output=True, text=True, check=True)
    assert "2 of 2, resumed" in done.stdout
    assert (tmp_path / "broken" / "unet" / "weights" / "last.safetensors").stat().st_mtime_ns == first
    for name in ("unet", "espnet"):
        weights = [(tmp_path / c / name / "weights" / "last.safetensors").read_bytes() for c in ("whole", "broken")]
        assert weights[0] == weights[1]
    results = json.loads((tmp_path / "broken" / "comparison.json").read_text())
    assert {row["name"] for row in results["candidates"]} == {"unet", "espnet"}
    assert all(row["p50_ms"] > 0 for row in results["candidates"])
