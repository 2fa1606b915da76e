"""Every engine that computes with torch gives the labels that the model gives, and is timed by the right clock."""

import gc
import io
import json
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sceneseg import models
from sceneseg.bench import worker
from sceneseg.bench.engines import engines
from sceneseg.bench.engines.base import Engine
from sceneseg.bench.images import street_images
from sceneseg.bench.job import Candidate, Job
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.inference.predictor import Preprocessing, SemanticModel
from sceneseg.labels import IGNORE_INDEX

SIZE = (96, 160)


@pytest.fixture
def job(tmp_path):
    """Let an engine load a model with an output for void and facts of its input, as ESPNet's weights have them."""

    def job(**facts) -> Job:
        torch.manual_seed(0)
        arguments = {"width": 0.25, "aux": False}
        network = models.create("fast_scnn", num_classes=20, **arguments).eval()
        with torch.no_grad():
            network.head[-1].weight.normal_()
        model = SemanticModel(
            network, LABEL_SPACE, {"name": "fast_scnn", **arguments}, Preprocessing(**facts), void_output=19
        )
        often = int(np.bincount(model.predict_labels(street_images(SIZE)).ravel())[:19].argmax())
        with torch.no_grad():  # what is most frequent becomes void
            network.head[-1].weight[[often, 19]] = network.head[-1].weight[[19, often]]
        file = tmp_path / "street.safetensors"
        model.save(file, network.state_dict())
        return Job(Candidate("street", "", str(file)), "", "", "cpu", torch.get_num_threads())

    return job


@pytest.mark.parametrize("facts", [{}, {"target_size": (72, 120)}, {"target_size": (72, 120), "enlarge": "labels"}])
@pytest.mark.parametrize(("name", "least"), [("eager", 0.9999), ("channels_last", 0.9999), ("cuda_graph", 0.9)])
def test_void_and_size_are_treated_as_the_model_treats_them(job, facts, name, least):
    engine = engines.create(name, job=job(**facts))
    images = street_images(SIZE, 2)
    wanted = engine.model.predict_labels(images)
    assert 0.1 < (wanted == IGNORE_INDEX).mean() < 0.9
    assert len(np.unique(wanted)) > 2
    with torch.inference_mode():
        found = engine.answer(engine.input(images), SIZE).numpy()  # a graph's is the same, recorded
    assert found.dtype == np.uint8
    assert (found == wanted).mean() > least


def test_a_graph_keeps_the_tensors_that_it_reads_and_writes(monkeypatch):
    class Thing:
        replay = staticmethod(lambda: "replayed")

    recorded = [Thing(), Thing(), Thing()]
    alive = [weakref.ref(thing) for thing in recorded]
    engine = object.__new__(engines.get("cuda_graph"))
    monkeypatch.setattr(engine, "input", lambda images: images, raising=False)
    monkeypatch.setattr(engine, "_record", lambda compute, like: tuple(recorded), raising=False)
    call = engine.network(np.zeros(1))
    recorded.clear()
    gc.collect()
    assert all(ref() is not None for ref in alive)
    call()


def test_whole_predictions_take_the_clock_and_networks_the_one_of_the_gpu(monkeypatch):
    class Event:
        def __init__(self, enable_timing):
            pass

        def record(self):
            pass

        def elapsed_time(self, end):
            return 7000.0

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    engine = object.__new__(engines.get("eager"))
    engine.device = torch.device("cuda")
    assert engine.time_network(lambda: None) == 7
    assert engine.time(lambda: None) < 1
    engine.device = torch.device("cpu")
    assert engine.time_network(lambda: None) < 1


def test_a_worker_times_each_part_by_its_clock(tmp_path, monkeypatch):
    class Fake(Engine):
        def __init__(self, job):
            pass

        def predict(self, images):
            return images[..., 0]

        def network(self, images):
            return lambda: None

        def time(self, call):
            return 1.0

        def time_network(self, call):
            return 2.0

    np.save(tmp_path / "images.npy", np.zeros((1, 4, 4, 3), np.uint8))
    monkeypatch.setattr(worker, "engines", SimpleNamespace(get=lambda name: Fake, create=lambda name, job: Fake(job)))
    monkeypatch.setattr(worker, "gc", SimpleNamespace(collect=int, freeze=int, disable=int))
    asked = Job(Candidate("a", "fake"), str(tmp_path / "images.npy"), str(tmp_path / "labels.npy"), "cpu", 1)
    answers = io.StringIO()
    worker._work(asked, io.StringIO("whole\nnetwork\nwhole\n"), answers)
    assert [json.loads(line).get("seconds") for line in answers.getvalue().splitlines()] == [None, 1.0, 2.0, 1.0]
