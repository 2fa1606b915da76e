"""A third task in one file of the user's: it trains, validates, saves, reports and predicts, or is refused."""

import json

import pytest

import sceneseg
from sceneseg import user_files
from sceneseg.config.conversion import from_dict
from sceneseg.errors import ConfigError, RunError, UnknownNameError
from sceneseg.metrics import metrics
from sceneseg.records.history import read_epochs
from sceneseg.records.run_directory import RunDirectory, read_header
from sceneseg.records.scores import read_scores
from sceneseg.task_facts import _known, facts_of
from sceneseg.tasks import tasks

FILE = '''
"""Brightness: how bright an image is, from 0 to 1."""

from dataclasses import dataclass

import numpy as np
import torch

from sceneseg import datasets, models
from sceneseg.inference.base import Predictor
from sceneseg.inference.images import as_image
from sceneseg.inference.results import ClassAnswers
from sceneseg.loading.scene_samples import TrainingSamples
from sceneseg.metrics import register as register_metric
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.records import run_directory
from sceneseg.records.model_cost import ModelCost
from sceneseg.records.protocol import Protocol
from sceneseg.records.scores import Scores
from sceneseg.task_facts import TaskFacts
from sceneseg.tasks import register
from sceneseg.tasks.base import Step, Task, Validation


@register_metric
class Closeness(Metric):
    key, label, tasks, in_history, is_headline = "closeness", "Closeness", ("brightness",), True, True

    def compute(self, errors):
        return MetricResult(float(1 - np.mean(errors)))


class Answer:
    def __init__(self, value):
        self.value = value

    def top(self, count=5):
        return {"bright": self.value}


@dataclass
class Preprocessing:
    target_size: tuple[int, int] | None = None
    precision: str = "32-true"


class BrightnessModel(Predictor):
    def __init__(self, network, model, header=None):
        self.network, self.model, self.input, self.header = network, model, Preprocessing(), header

    @classmethod
    def load(cls, path, device="auto"):
        file = run_directory.find_weights(path)
        header = run_directory.read_header(file)
        network = models.create(header.model.name, num_classes=1, **header.model.arguments)
        network.load_state_dict(run_directory.load_weights(file))
        return cls(network.eval(), header.to_dict()["model"], header)

    def save(self, path, state, **facts):
        about = {"task": "brightness", "model": self.model, "input": {"precision": "32-true"}}
        run_directory.save_weights(path, state, about | facts)

    @property
    def device(self):
        return self.network.mean.device

    @property
    def class_names(self):
        return []

    @torch.inference_mode()
    def predict(self, image, name=None):
        pixels = torch.from_numpy(as_image(image)).permute(2, 0, 1)[None].float() / 255
        return Answer(float(brightness(self.network.eval().coarse_logits(pixels))))

    def problem_with(self, image):
        return None if 0 < self.predict(image).value < 1 else "the prediction is no brightness"

    def results(self, table):
        return ClassAnswers(self, table)


def brightness(outputs):
    return outputs[0].mean((1, 2, 3)).sigmoid()


class BrightnessStep(Step):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def outputs(self, pixels):
        return brightness(self.network.coarse_logits(pixels)), pixels.mean((1, 2, 3))

    def loss(self, outputs, labels, whole=None):
        return (outputs[0] - outputs[1]).abs().mean()

    def weights(self, labels):
        return None


@register
class Brightness(Task):
    facts = TaskFacts(
        "brightness",
        title="Brightness",
        defaults={"model": {"name": "separable_unet", "width": 4}},
        reads=("augment.scale",),
        usage='print(model.predict("photo.jpg").value)',
    )
    predictor = BrightnessModel
    sample_size = (32, 64)

    def __init__(self, config):
        super().__init__(config)
        splits = ("train", "val")
        self.train, self.val = (datasets.create(config.data.name, root=config.data.root, split=s) for s in splits)

    def labels(self):
        return {"name": "brightness", "classes": []}

    def cost(self):
        return ModelCost(self.config.model_name, 1, 1, 0.001, size=self.sample_size)

    def create_model(self, precision):
        network = models.create(self.config.model_name, num_classes=1, **self.config.model_arguments)
        self.model = BrightnessModel(network, self.config.model)
        return self.model

    def training_step(self):
        return BrightnessStep(self.model.network)

    def training_samples(self, workers):
        return TrainingSamples(self.train, self.config.augment, self.config.seed, None, False)

    def validate(self, workers):
        images = [self.val.read(i).image for i in range(len(self.val))]
        errors = [abs(self.model.predict(image).value - image.mean() / 255) for image in images]
        protocol = Protocol(task="brightness", dataset=self.val.name, split=self.val.name, images=len(images))
        found = {metric.key: metric.compute(errors).mean for metric in self.metrics()}
        return Validation(Scores(found, protocol=protocol), lambda run: None)
'''


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The file of the task, allowed to run; what it registers is taken from the shelves again."""
    file = tmp_path_factory.mktemp("user") / "my_task.py"
    file.write_text(FILE)
    yield file
    user_files._allowed.pop(str(file), None)
    user_files._modules.pop(str(file), None)
    for shelf in (tasks, metrics):
        for name in shelf._things.keys() - shelf._files.keys():
            del shelf._things[name]
    for name in [name for name, facts in _known.items() if facts.name == "brightness"]:
        del _known[name]


@pytest.fixture(scope="module")
def run(file, toy_root, tmp_path_factory) -> RunDirectory:
    return sceneseg.train(
        data="cityscapes",
        root=toy_root,
        task=f"{file}:Brightness",
        runs=tmp_path_factory.mktemp("runs"),
        **{"name": "bright", "epochs": 2, "steps_per_epoch": 1, "batch_size": 2, "crop_size": (32, 64), "workers": 0},
        **{"check": False, "precision": "32-true", "train": {"device": "cpu"}, "scale": (1, 1)},
    ).run


def test_it_trains_and_leaves_what_it_has(run):
    config, scores = run.load_config(), read_scores(run.metrics)
    assert config.model == {"name": "separable_unet", "width": 4}, "the task's own defaults"
    assert scores.means.keys() == {"closeness"}
    assert scores.protocol.task == "brightness"
    history = read_epochs(run.history)
    assert max(row.value("closeness") for row in history) == scores["closeness"]
    assert read_header(run.best).task == "brightness"
    assert not run.confusion.exists()


def test_its_report_has_its_scores_and_no_gaps(run):
    page = run.report.read_text()
    for expected in ("Closeness</dt>", "closeness · ", "counted in images"):
        assert expected in page
    for unexpected in ("This report is incomplete", "ean IoU", "pixels"):
        assert unexpected not in page


def test_its_card_says_how_it_is_used(run):
    card = sceneseg.model_card(run.path).path.read_text()
    assert 'print(model.predict("photo.jpg").value)' in card
    assert "Closeness **" in card


def test_it_predicts(run, toy_root, tmp_path):
    image = next(toy_root.glob("leftImg8bit/val/*/*.png"))
    value = sceneseg.load(run.path, "cpu").predict(image).value
    assert 0 < value < 1
    made = sceneseg.predict(image, run.path, tmp_path, device="cpu")
    assert json.loads(made.predicted[0].outputs[0].read_text()) == {str(image): {"bright": value}}
    assert sceneseg.predict(image, run.path, tmp_path, device="cpu", skip_existing=True).existing == [image]
    with pytest.raises(ConfigError, match="engine.*torch alone"):
        sceneseg.predict(image, run.path, tmp_path, device="cpu", engine="torch")
    assert sceneseg.verify_weights(run.best).summary.classes == ()


def test_what_it_cannot_do_is_refused(run):
    with pytest.raises(ConfigError, match="the task brightness are scored in training alone"):
        sceneseg.evaluate(run.path, device="cpu")
    with pytest.raises(RunError, match="expected weights for semantic.*found the task 'brightness'"):
        sceneseg.export(run.path, to="onnx")
    with pytest.raises(ConfigError, match="Only segmentation is compared"):
        sceneseg.compare(models="fast_scnn", task=run.load_config().task)


def test_options_that_it_does_not_read(run, toy_root, tmp_path):
    with pytest.raises(ConfigError, match="augment.area has no effect"):
        sceneseg.train(data="cityscapes", root=toy_root, task=run.load_config().task, augment={"area": (0.5, 1)})


def test_a_task_without_a_predictor_only_trains(run, monkeypatch):
    monkeypatch.setattr(tasks.get("brightness"), "predictor", None)
    with pytest.raises(ConfigError, match="task brightness.*no predictor"):
        sceneseg.load(run.path)


def test_a_process_without_the_file(run, monkeypatch):
    task = run.load_config().task
    monkeypatch.setattr(user_files, "_allowed", {})
    for shelf in (tasks, metrics):
        monkeypatch.setattr(shelf, "_things", {k: v for k, v in shelf._things.items() if k in shelf._files})
    for name in [name for name, facts in _known.items() if facts.name == "brightness"]:
        monkeypatch.delitem(_known, name)
    with pytest.raises(UnknownNameError, match='no task called "brightness"'):
        sceneseg.load(run.path)
    page = sceneseg.report(run.path).path.read_text()
    assert "Closeness</dt>" in page
    assert "This report is incomplete" not in page
    assert from_dict({"task": task}).model["name"] == "fast_scnn"


def test_facts_of_a_subclass_are_those_of_its_base(file):
    class Renamed(tasks.get("semantic")):
        pass

    assert facts_of("renamed") is facts_of("semantic")
    del _known["renamed"]
