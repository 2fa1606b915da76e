"""What a start leaves behind when it fails, and what a damaged or misplaced state is answered with."""

import pickle
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from sceneseg.cli.app import app
from sceneseg.config.conversion import changed, from_dict
from sceneseg.config.variants import Variant
from sceneseg.errors import ConfigError, RunError, ScenesegError
from sceneseg.models._timm import create_timm
from sceneseg.records.comparison_plan import Budget
from sceneseg.records.run_directory import RunDirectory, find_run, read_json, write_json
from sceneseg.training import start
from sceneseg.training.callbacks import Callback
from sceneseg.training.experiment import make_plan, open_comparison
from sceneseg.training.gradients import GradientAccumulator


def write_streets(root):
    for split, seed in (("train", 0), ("val", 1)):
        labels = np.random.default_rng(seed).integers(0, 2, (64, 96)).astype(np.uint8)
        for kind, content in (("images", np.dstack([labels * 200] * 3)), ("masks", labels)):
            (root / kind / split).mkdir(parents=True)
            Image.fromarray(content).save(root / kind / split / f"{split}.png")
    (root / "data.yaml").write_text("names: [road, car]\n")


def configuration(root, **sections):
    plain = {
        "model": {"name": "separable_unet", "width": 4},
        "data": {"name": "cityscapes", "root": str(root), "workers": 0, "check": False},
        "augment": {"crop_size": [32, 64]},
        "train": {"epochs": 1, "batch_size": 2, "steps_per_epoch": 1, "device": "cpu"},
        "name": "a",
    }
    merged = {k: {**plain.get(k, {}), **v} for k, v in sections.items() if k != "model"}
    return from_dict(plain | sections | merged)


@pytest.fixture(scope="module")
def trained(toy_root, tmp_path_factory):
    return start.start(configuration(toy_root), tmp_path_factory.mktemp("runs"))[0]


@pytest.fixture
def run(trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "a")
    return RunDirectory(tmp_path / "a")


@pytest.mark.parametrize(
    "wrong",
    [
        {"train": {"epochs": 1, "batch_size": 2, "device": "cpu", "weights": "mine.pth"}},
        {"train": {"epochs": 1, "batch_size": 2, "device": "cpu", "freeze": ["nothing"]}},
        {"model": {"name": "fpn", "encoder": "resnet1800"}},
        {"optim": {"lr_scale": {"encodre": 0.1}}},
        {"loss": {"cross_entropies": 1.0}},
        {"train": {"epochs": 1, "batch_size": 2, "device": "cpu", "best": "mean_iuo"}},
        {
            "augment": {"crop_size": None},
            "data": {"name": "cityscapes", "workers": 0, "root": "ROOT", "train_split": "no"},
        },
    ],
    ids=["weights", "freeze", "encoder", "scale", "loss", "best", "split"],
)
def test_a_start_that_fails_leaves_its_name_free(toy_root, tmp_path, wrong):
    wrong = {k: v | {"root": str(toy_root)} if k == "data" else v for k, v in wrong.items()}
    with pytest.raises(ScenesegError):
        start.start(configuration(toy_root, **wrong), tmp_path / "runs")
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize("best", ["mean_iiou", "mean_category_iou"])
def test_a_score_that_the_validation_split_can_not_have_is_refused_before_the_first_step(tmp_path, monkeypatch, best):
    write_streets(tmp_path / "streets")  # without instances and categories
    monkeypatch.setattr("sceneseg.training.trainer.Trainer.fit", None)
    train = {"epochs": 1, "batch_size": 2, "device": "cpu", "best": best}
    config = configuration(tmp_path, data={"name": "folder", "root": str(tmp_path / "streets")}, train=train)
    with pytest.raises(ConfigError, match=f'There is no score "{best}"'):
        start.start(config, tmp_path)


@pytest.mark.parametrize("best", ["mean_iiou", "mean_category_iiou"])
def test_scores_of_instances_choose_where_there_are_some(toy_root, tmp_path, best):
    train = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 2, "device": "cpu", "best": best}
    assert start.start(configuration(toy_root, train=train), tmp_path)[1]


def test_a_run_that_breaks_off_before_anything_came_about_leaves_its_name_free(toy_root, tmp_path, monkeypatch):
    monkeypatch.setattr(GradientAccumulator, "compute", lambda *_: pytest.fail("broken"))
    with pytest.raises(pytest.fail.Exception, match="broken"):
        start.start(configuration(toy_root), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_a_run_has_learned_or_a_hook_has_written_stays(toy_root, tmp_path, monkeypatch):
    class Failing(Callback):
        def on_start(self, view):
            (view.run.path / "mine.txt").touch()
            pytest.fail("broken")

    with pytest.raises(pytest.fail.Exception):
        start.start(configuration(toy_root), tmp_path, [Failing()])
    assert (tmp_path / "a" / "mine.txt").is_file()


def test_a_comparison_that_can_not_be_planned_leaves_its_name_free(tmp_path):
    def make(comparison):
        raise ConfigError("no such model")

    with pytest.raises(ConfigError):
        open_comparison(tmp_path, "c", make)
    assert not list(tmp_path.iterdir())


def test_a_comparison_of_an_earlier_version_is_taken_up_again(toy_root, tmp_path):
    """An option that came since then has its usual value in it."""
    plan = make_plan([Variant("a", configuration(toy_root), {})], Budget("steps", 5))
    comparison, there = open_comparison(tmp_path, "c", lambda _: plan)
    assert not there
    before = read_json(comparison.plan)
    del before["candidates"][0]["runs"][0]["config"]["data"]["accept_changes"]
    write_json(comparison.plan, before)
    assert open_comparison(tmp_path, "c", lambda _: plan) == (comparison, True)


def pretend(path, change):
    saved = torch.load(path, weights_only=True)
    change(saved)
    torch.save(saved, path)


def widen(saved):
    for kept in saved["parts"]["optimizer"]["state"].values():
        kept["exp_avg"] = torch.zeros(3)


DAMAGES = {
    "cut": lambda p: p.write_bytes(p.read_bytes()[:-5000]),
    "cut in half": lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]),
    "one byte short": lambda p: p.write_bytes(p.read_bytes()[:-1]),
    "empty": lambda p: p.write_bytes(b""),
    "zeros": lambda p: p.write_bytes(bytes(p.stat().st_size)),
    "garbage": lambda p: p.write_bytes(bytes(range(256)) * 100),
    "text": lambda p: p.write_text("a state"),
    "pickle": lambda p: p.write_bytes(pickle.dumps({"a": 1})),
    "object": lambda p: p.write_bytes(pickle.dumps(RunDirectory(p))),
    "list": lambda p: torch.save([1, 2], p),
    "tensor": lambda p: torch.save(torch.ones(3), p),
    "module": lambda p: torch.save(torch.nn.Linear(2, 2), p),
    "keys": lambda p: pretend(p, lambda s: s.pop("random")),
    "parts": lambda p: pretend(p, lambda s: s.update(parts=[1])),
    "part": lambda p: pretend(p, lambda s: s["parts"].pop("network")),
    "layer": lambda p: pretend(p, lambda s: s["parts"]["network"].popitem()),
    "shape": lambda p: pretend(p, lambda s: s["parts"]["network"].update(mean=torch.ones(7))),
    "groups": lambda p: pretend(p, lambda s: s["parts"]["optimizer"].update(param_groups=[])),
    "moments": lambda p: pretend(p, widen),
    "progress": lambda p: pretend(p, lambda s: s["progress"].update(step="three")),
    "history": lambda p: pretend(p, lambda s: s["progress"].update(history=[1])),
    "unknown": lambda p: pretend(p, lambda s: s["progress"].update(what=1)),
    "random": lambda p: pretend(p, lambda s: s.update(random=[{"torch": torch.zeros(3)}])),
    "none": lambda p: p.unlink(),
    "folder": lambda p: (p.unlink(), p.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_named_with_the_way_back(run, damage):
    DAMAGES[damage](run.state)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(
        RunError, match=r"state\.ckpt.*weights of the run are stored.*config.yaml and train.weights "
    ) as found:
        start.resume(run, {"train": {"epochs": 2}})
    assert "\n" not in str(found.value)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_weights_in_a_run_lead_to_it(run, tmp_path, monkeypatch):
    assert find_run(run.best).path == find_run(run.state).path == find_run(run.config).path == run.path
    assert find_run(run.path) == run
    monkeypatch.chdir(run.path / "weights")
    assert find_run(run.best.relative_to(run.path / "weights")).path == run.path
    elsewhere = tmp_path / "elsewhere.safetensors"
    shutil.copy(run.best, elsewhere)
    with pytest.raises(RunError, match="is a file that lies in no run.*train.weights"):
        find_run(elsewhere)


@pytest.mark.parametrize("which", ["best", "config"])
def test_the_command_resumes_by_a_file_of_the_run(run, capsys, which):
    app(["train", "-r", str(getattr(run, which)), "-e", "1"], exit_on_error=False, result_action="return_value")
    assert f"weights  {run.best}" in capsys.readouterr().out


def test_pretrained_weights_are_loaded_once_and_nobody_is_warned(toy_root, tmp_path, monkeypatch, recwarn):
    asked = []

    def create(network, pretrained, **arguments):
        asked.append(pretrained)
        return create_timm(network, False, **arguments)

    monkeypatch.setattr("sceneseg.models._encoder.create_timm", create)
    model = {"name": "fpn", "encoder": "resnet18", "pretrained": True, "pyramid_channels": 32, "decoder_channels": 32}
    memory = {"train": {"memory": "60MB"}}  # so that the batch must be planned
    config = changed(configuration(toy_root, model=model, optim={"lr_scale": {"encoder": 0.3}}), memory)
    start.start(config, tmp_path)
    assert sum(asked) == 1
    assert not [w for w in recwarn if "no-op" in str(w.message)]


def test_the_command_names_the_score_that_chose_the_weights(tmp_path, capsys):
    write_streets(tmp_path / "streets")
    options = "-m separable_unet --model.width 4 -e 1 -b 2 --augment.crop-size 32 64 --data.workers 0 --name a"
    where = ["-d", "folder", "-p", str(tmp_path / "streets"), "--runs", str(tmp_path), "--train.best", "mean_dice"]
    with pytest.raises(SystemExit) as end:
        app(["train", *options.split(), *where])
    assert end.value.code in {None, 0}
    dice = read_json(tmp_path / "a" / "metrics.json")["mean_dice"]
    assert f"best validation mean Dice  {dice:.2%}" in capsys.readouterr().out
