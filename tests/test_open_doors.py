"""One new file outside of the package adds a thing to a shelf: a user's file, a notebook's cell, another package."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import sceneseg
from sceneseg import user_files
from sceneseg.bench.engines import engines
from sceneseg.cli.app import main
from sceneseg.config.conversion import to_dict
from sceneseg.datasets import datasets
from sceneseg.errors import ConfigError, UnknownNameError
from sceneseg.export import formats
from sceneseg.losses import losses
from sceneseg.metrics import metrics
from sceneseg.models import models
from sceneseg.optim.optimizers import optimizers
from sceneseg.optim.schedules import schedules
from sceneseg.records import run_directory
from sceneseg.records.header import ModelSpec
from sceneseg.records.run_directory import RunDirectory
from sceneseg.registry import Registry
from sceneseg.tasks import tasks
from sceneseg.training.isolated import train_isolated
from sceneseg.training.trackers import trackers
from small_run import make_small_run, small_config

SHELVES: dict[str, Registry] = {
    shelf.group: shelf
    for shelf in (models, losses, metrics, datasets, optimizers, schedules, formats, engines, tasks, trackers)
}
SHORT = {
    **{"epochs": 1, "steps_per_epoch": 2, "batch_size": 2, "crop_size": (32, 64), "workers": 0, "check": False},
    **{"precision": "32-true", "train": {"device": "cpu"}},
}

MODEL = """
import torch
from torch import nn

from sceneseg.models import register
from sceneseg.models.base import SegmentationModel
from sceneseg.models.layers import ConvNormAct


@register
class TinyFCN(SegmentationModel):
    size_divisor = 4

    def __init__(self, num_classes: int, in_channels: int = 3, width: int = 4) -> None:
        super().__init__(num_classes, in_channels)
        self.body = ConvNormAct(in_channels, width, stride=4)
        self.head = nn.Conv2d(width, num_classes, 1)

    def coarse_logits(self, image):
        return (self.head(self.body(self.prepare(image))),)
"""
PLAIN = """
from __future__ import annotations

from torch import nn


class Plain(nn.Module):
    def __init__(self, num_classes: int, width: int = 4):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, width, 5, 4, 2), nn.Conv2d(width, num_classes, 1))

    def forward(self, pixels):
        return self.layers(pixels)


def made(num_classes, width=4):
    return Plain(num_classes, width)
"""
LOSS = """
from torch import nn


class Three(nn.Module):
    def __init__(self, share: float = 1.0):
        super().__init__()
        self.share = share

    def forward(self, logits, labels):
        return 3 * self.share + 0 * logits.values.mean()
"""
DATASET = """
from sceneseg.datasets import register
from sceneseg.datasets.cityscapes import Cityscapes


@register
class FirstScenes(Cityscapes):
    def __init__(self, root=None, split="train", count: int = 2):
        self.count = count
        super().__init__(root, split)

    def find(self):
        return super().find()[: self.count]
"""
OPTIMIZER = """
import torch


class Signs(torch.optim.Optimizer):
    def __init__(self, params, lr: float = 0.01):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.sub_(group["lr"] * parameter.grad.sign())
"""
SCHEDULE = """
def halved(step, steps, power=1.0):
    return 0.5**power
"""
TRACKER = """
from sceneseg.training.trackers.base import Tracker


class Lines(Tracker):
    def scalars(self, values, step):
        with (self.run.path / "lines.txt").open("a") as file:
            file.write(f"{step} {sorted(values)}\\n")

    def picture(self, name, picture, step):
        pass

    def finish(self, end):
        with (self.run.path / "lines.txt").open("a") as file:
            file.write(end)
"""
TASK = """
from sceneseg.tasks import register
from sceneseg.tasks.semantic import Semantic


@register
class Renamed(Semantic):
    def labels(self):
        return super().labels() | {"description": "of a task from outside"}
"""
FORMAT = """
from sceneseg.export import register
from sceneseg.export.torchscript import TorchScript


@register
class Mine(TorchScript):
    suffix = ".mine"
"""
ENGINE = """
from sceneseg.bench.engines.torch_engine import TorchEngine


class Doubled(TorchEngine):
    def predict(self, images):
        super().predict(images)
        return super().predict(images)
"""


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch):
    """Allow no files, and take from the shelves what a test has put there."""
    monkeypatch.setattr(user_files, "_allowed", {})
    monkeypatch.setattr(user_files, "_modules", {})
    yield
    forget()


def forget() -> None:
    """Bring the shelves to where a new process finds them."""
    user_files._allowed.clear()
    for shelf in SHELVES.values():
        for name in shelf._things.keys() - shelf._files.keys():
            del shelf._things[name]


def command(*words: object) -> int:
    """Run a command; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return ended.value.code


@pytest.fixture
def write(tmp_path):
    """Write a Python file into a folder of the user's; return its path."""

    def write(source: str, name: str = "mine.py") -> Path:
        file = tmp_path / "user" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(source)
        return file

    return write


@pytest.fixture
def train(toy_root, tmp_path):
    """Train two steps; return the run."""

    def train(model="fast_scnn", **options) -> RunDirectory:
        if model == "fast_scnn":
            model = {"name": "fast_scnn", "width": 0.25, "aux": False}
        data = options.pop("data", "cityscapes")
        return sceneseg.train(model, data, toy_root, runs=tmp_path / "runs", **{**SHORT, **options}).run

    return train


def test_a_model(write, train):
    file = write(MODEL)
    run = train({"name": f"{file}:TinyFCN", "width": 3})
    assert run.path.name == "cityscapes-tiny_fcn"
    assert run.load_config().model == {"name": f"{file}:TinyFCN", "width": 3}
    assert sceneseg.load(run.path, "cpu").network.head.in_channels == 3


@pytest.mark.parametrize("name", ["Plain", "made"])
def test_a_module_or_a_function_that_makes_one(write, train, name):
    model = {"name": f"{write(PLAIN)}:{name}", "width": 3}
    assert sceneseg.load(train(model).path, "cpu").network.module.layers[0].out_channels == 3
    with pytest.raises(ConfigError, match=f'model ".*:{name}" has no argument "widht".*Did you mean "width"'):
        train({**model, "widht": 3})


def test_a_loss(write, train):
    run = train(loss={f"{write(LOSS)}:Three": {"weight": 2, "share": 0.5}})
    assert sceneseg.api.train.read_epochs(run.history)[0].value("loss") == pytest.approx(3.0)


def test_a_data_set(write, train):
    run = train(data={"name": f"{write(DATASET)}:FirstScenes", "options": {"count": 1}})
    assert run.path.name == "first_scenes-fast_scnn"
    assert sceneseg.api.train.read_scores(run.metrics).protocol.dataset == "first_scenes"
    assert sceneseg.api.train.read_scores(run.metrics).protocol.images == 1


def test_an_optimizer_and_a_schedule(write, train):
    optimizer, schedule = write(OPTIMIZER, "signs.py"), write(SCHEDULE, "halved.py")
    run = train(optimizer=f"{optimizer}:Signs", schedule={"name": f"{schedule}:halved", "power": 2})
    assert sceneseg.api.train.read_epochs(run.history)[0].value("lr") == pytest.approx(0.01 / 4)
    with pytest.raises(ConfigError, match="optim.momentum has no effect"):
        train(optim={"name": f"{optimizer}:Signs", "momentum": 0.5})


def test_a_tracker(write, train):
    run = train(log=[f"{write(TRACKER)}:Lines"])
    assert (run.path / "lines.txt").read_text().endswith("finished")


def test_a_task(write, train):
    run = train(task=f"{write(TASK)}:Renamed")
    assert "of a task from outside" in run.labels.read_text()


def test_an_export_format(write, toy_root, tmp_path, monkeypatch, capsys):
    file = write(FORMAT)
    run = make_small_run(tmp_path / "run", toy_root)
    monkeypatch.chdir(file.parent)
    assert command("export", "-w", run.path, "--to", "./mine.py:Mine", "--images", 1, "-o", "net.mine") == 0
    picture = next(toy_root.glob("leftImg8bit/val/*/*.png"))
    assert command("predict", "-w", "net.mine", picture, "--allow", "mine.py") == 0
    assert "1 predicted" in capsys.readouterr().out
    assert sceneseg.ExportedModel.load(Path("net.mine")).description.model.name == "separable_unet"


def test_an_engine_in_a_process_of_its_own(write, monkeypatch, capsys):
    monkeypatch.chdir(write(ENGINE).parent)
    write(MODEL, "net.py")
    sizes = ("--size", 32, 64, "--repetitions", 3)
    assert command("bench", "-m", "./net.py:TinyFCN", "--engine", "./mine.py:Doubled", *sizes) == 0
    assert "Not measured" not in capsys.readouterr().out


def test_training_in_a_process_of_its_own(write, toy_root, tmp_path):
    config = to_dict(small_config(toy_root))
    config["model"] = {"name": f"{write(MODEL)}:TinyFCN"}
    config["train"] |= {"epochs": 1, "steps_per_epoch": 1, "batch_size": 2}
    sceneseg.allow(config)
    outcome = train_isolated(config, RunDirectory(tmp_path / "run"))
    assert (outcome.state, outcome.reason) == ("finished", "")


def test_the_command_line_names_files_from_any_folder(write, toy_root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(write(MODEL + LOSS).parent)
    line = ["train", "-p", str(toy_root), "--runs", str(tmp_path), "--name", "run", "-e", "1", "-b", "2"]
    line += ["--train.steps-per-epoch", "1", "--data.no-check", "--data.workers", "0", "--train.device", "cpu"]
    line += ["--augment.crop-size", "32", "64", "--loss../mine.py:Three", "1", "--loss../mine.py:Three.share", "2"]
    assert command(*line, "-m", "./mine.py:TinyFCN") == 0
    config = RunDirectory(tmp_path / "run").load_config()
    assert config.model_name == f"{os.getcwd()}/mine.py:TinyFCN"
    assert config.loss == {f"{os.getcwd()}/mine.py:Three": {"weight": 1, "share": 2}}
    monkeypatch.chdir(tmp_path)
    forget()
    for words in (["train", "-r", "run", "-e", "2"], ["evaluate", "-w", "run"]):
        assert command(*words) == 1
        assert "isn't run on the word of a stored file" in capsys.readouterr().err
    assert command("train", "-r", "run", "-e", 2, "-m", "user/mine.py:TinyFCN") == 0
    assert command("evaluate", "-w", "run") == 0
    assert "Pixel accuracy" in capsys.readouterr().out


def test_a_stored_name_runs_nothing(write, train):
    file = write(MODEL)
    run = train(f"{file}:TinyFCN")
    forget()
    file.write_text(f"raise SystemExit('run on the word of a header')\n{MODEL}")
    for load in (lambda: sceneseg.load(run.path, "cpu"), lambda: sceneseg.train(resume=run.path, epochs=2)):
        with pytest.raises(UnknownNameError, match="isn't run on the word of a stored file.*allow .*mine.py") as caught:
            load()
        assert caught.value.field == "allow"
    file.write_text(MODEL)
    assert sceneseg.load(run.path, "cpu", f"{file}:TinyFCN").network.name == f"{file}:TinyFCN"


def test_a_file_that_has_moved_is_found_where_it_is_named(write, train):
    file = write(MODEL)
    run = train(f"{file}:TinyFCN")
    forget()
    moved = file.parent.with_name("elsewhere") / file.name
    moved.parent.mkdir()
    file.rename(moved)
    with pytest.raises(UnknownNameError, match=r"isn't there any more.*allow FOLDER/mine.py where it is now"):
        sceneseg.load(run.path, "cpu")
    assert sceneseg.load(run.path, "cpu", f"{moved}:TinyFCN").network.num_classes == 19


def test_a_class_that_the_program_has_registered_needs_no_permission(write, train, monkeypatch):
    file = write(MODEL, "imported_by_the_program.py")
    run = train(f"{file}:TinyFCN")
    forget()
    monkeypatch.syspath_prepend(file.parent)
    import imported_by_the_program

    assert type(sceneseg.load(run.path, "cpu").network) is imported_by_the_program.TinyFCN


def test_a_header_calls_no_function_that_happens_to_be_imported(write, train):
    run = train(f"{write(MODEL)}:TinyFCN")
    weights, header = run_directory.load_weights(run.best), run_directory.read_header(run.best)
    called = {"args": ["touch", str(run.path / "touched")]}
    header = replace(header, model=ModelSpec(f"{subprocess.__file__}:run", called))
    run_directory.save_weights(run.path / "evil.safetensors", weights, header.to_dict())
    with pytest.raises(UnknownNameError, match="isn't run on the word of a stored file"):
        sceneseg.load(run.path / "evil.safetensors", "cpu")
    assert not (run.path / "touched").exists()


def test_what_an_allowed_file_registers_has_its_short_name(write):
    sceneseg.allow(write(MODEL))
    assert "tiny_fcn" in models.names()
    assert models.create("Tiny-FCN", num_classes=2).name == "tiny_fcn"


def test_a_file_finds_its_neighbors_and_is_run_again_when_it_has_changed(write):
    write("WIDTH = 5\n", "neighbor_of_mine.py")
    file = write(f"from neighbor_of_mine import WIDTH\n{PLAIN.replace('from __future__ import annotations', '')}")
    assert sceneseg.create_model(f"{file}:Plain", num_classes=2).module.layers[0].out_channels == 4
    file.write_text(file.read_text().replace("width: int = 4", "width: int = WIDTH"))
    assert sceneseg.create_model(f"{file}:Plain", num_classes=2).module.layers[0].out_channels == 5
    assert str(file.parent) not in sys.path


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        (None, "mine.py:Net", "mine.py: there is no such file to take the model Net from"),
        (MODEL, "mine.py:TinyFNC", r'mine.py has no "TinyFNC". Did you mean "TinyFCN"\? It defines: TinyFCN'),
        (MODEL, "mine.py", r"mine.py: which model of this file\? .*mine.py:NAME"),
        ("Net = 5", "mine.py:Net", "mine.py: Net is a int, expected the class or function of a model"),
        ("x = 1\nclass Net(:", "mine.py:Net", "mine.py, line 2: it can't be imported .SyntaxError: invalid syntax"),
        ("x = 1\nimport no_such_package", "mine.py:Net", "mine.py, line 2: .*ModuleNotFoundError: No module named"),
        ("def f():\n    return 1 / 0\n\nf()", "mine.py:Net", "mine.py, line 2: .*ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)", "mine.py:Net", "mine.py, line 2: .*SystemExit: 3"),
        ("class Net:\n    pass", "mine.py:Net", "Net is no torch.nn.Module"),
    ],
)
def test_names_of_files_that_do_not_fit(write, tmp_path, source, name, said):
    (tmp_path / "user").mkdir()
    if source is not None:
        write(source)
    with pytest.raises(ConfigError, match=said):
        sceneseg.create_model(f"{tmp_path}/user/{name}", num_classes=2)


@pytest.mark.parametrize("group", SHELVES)
def test_a_notebook_registers_and_registers_again(group):
    shelf = SHELVES[group]

    def cell(value: int):
        class NewThing(torch.nn.Module):
            number = value

        NewThing.__module__, NewThing.__qualname__ = "__main__", "NewThing"
        return NewThing

    shelf.register(cell(1))
    assert "new_thing" in shelf.names()
    shelf.register(cell(2))
    assert shelf._things[shelf.resolve("NewThing")].number == 2
    shelf.register(name="other")(cell(3))
    assert shelf.resolve("other") == "other"


def test_a_name_that_is_given_twice_names_both_files(write):
    one, other = write(MODEL, "one.py"), write(MODEL, "other.py")
    sceneseg.create_model(f"{one}:TinyFCN", num_classes=2)
    with pytest.raises(ConfigError, match=r'"tiny_fcn" is given twice, in .*one.py and in .*other.py.*register\(name='):
        sceneseg.create_model(f"{other}:TinyFCN", num_classes=2)
    with pytest.raises(ConfigError, match=r'"Fast-SCNN" is given twice, in .*models/fast_scnn.py and in .*unet.py'):
        models.register(name="Fast-SCNN")(models.get("unet"))
    with pytest.raises(ConfigError, match='"fcn" is given twice'):
        models.register(name="fcn")(models.get("unet"))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a package that offers things; return what its metadata says."""

    def package(module: str, source: str, *lines: str, name: str = "street-nets") -> None:
        folder = tmp_path / name
        info = folder / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text("\n".join(lines))
        (folder / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return package


def test_an_installed_package_offers_a_model(package, train):
    package("street_nets", PLAIN, "[sceneseg.models]", "street_net = street_nets:Plain")
    assert "street_net" in models.names()
    run = train("Street-Net")
    assert sceneseg.load(run.path, "cpu").network.name == "street_net"


@pytest.mark.parametrize("group", SHELVES)
def test_every_shelf_has_entry_points(package, group):
    package("street_things", "def thing():\n    return 7\n", f"[{group}]", "street_thing = street_things:thing")
    assert "street_thing" in SHELVES[group].names()
    assert SHELVES[group].resolve("StreetThing") == "street_thing"
    if group != "sceneseg.models":  # whose functions give modules
        assert SHELVES[group].create("street_thing") == 7


def test_a_broken_package_breaks_nothing_but_its_own_names(package):
    package("broken_nets", "import no_such_package", "[sceneseg.models]", "net = broken_nets:Net", name="broken-nets")
    assert "net" in models.names()
    assert models.create("fast_scnn", num_classes=2).name == "fast_scnn"
    with pytest.raises(ConfigError, match="the package broken-nets 1.2, which can't be imported .*no_such_package"):
        models.get("net")
    package("other_nets", "", "[sceneseg.models]", "net = other_nets:Net", name="other-nets")
    with pytest.raises(
        ConfigError, match="package (broken|other)-nets 1.2 and the package (broken|other)-nets 1.2 both"
    ):
        models.get("net")


def test_a_script_may_name_a_class_of_its_own(monkeypatch, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("raise RuntimeError('run a second time')")
    running = ModuleType("__main__")
    running.__file__ = str(script)
    exec(PLAIN, running.__dict__)
    monkeypatch.setitem(sys.modules, "__main__", running)
    image = torch.from_numpy(np.zeros((1, 3, 8, 8), np.float32))
    assert sceneseg.create_model(f"{script}:Plain", num_classes=2)(image).shape == (1, 2, 8, 8)
