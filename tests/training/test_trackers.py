"""What trackers are told, where they keep it, and that none of them can end a run or open a connection unasked."""

import importlib.machinery
import json
import os
import sys
import types

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.errors import ConfigError, UnknownNameError
from sceneseg.records import run_directory
from sceneseg.records.run_directory import RunDirectory
from sceneseg.training import start, trackers
from sceneseg.training.tracking import Tracking


def configuration(toy_root, log=(), epochs=2):
    return from_dict(
        {
            "model": {"name": "fast_scnn", "width": 0.25},
            "data": {"name": "cityscapes", "root": str(toy_root), "workers": 0},
            "augment": {"crop_size": [32, 64]},
            "train": {"epochs": epochs, "batch_size": 3, "steps_per_epoch": 2, "device": "cpu", "log": list(log)},
        }
    )


def module(name, **content):
    made = types.ModuleType(name)
    made.__spec__ = importlib.machinery.ModuleSpec(name, None)
    for key, value in content.items():
        setattr(made, key, value)
    return made


class FakeWandB:
    """What of the package wandb is used."""

    def __init__(self):
        self.given, self.rows, self.ends, self.metrics, self.id = [], [], [], [], None
        self.broken = False

    def init(self, **arguments):
        self.given.append(arguments)
        self.id = arguments["id"] or "fresh"
        return self

    def define_metric(self, name, step_metric=None):
        self.metrics.append((name, step_metric))

    def log(self, row):
        if self.broken:
            raise ConnectionError("the server is gone")
        self.rows.append(row)

    def finish(self, exit_code):
        self.ends.append(exit_code)


@pytest.fixture
def wandb(monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("WANDB_ERROR_REPORTING", raising=False)
    fake = FakeWandB()
    content = {"init": fake.init, "Image": lambda picture: picture.shape, "Settings": dict}
    monkeypatch.setitem(sys.modules, "wandb", module("wandb", **content))
    return fake


class FakeClient:
    """What of MLflow's client is used; keeps everything by the address it was made for."""

    kept: dict

    def __init__(self, tracking_uri):
        self.all = FakeClient.kept.setdefault(tracking_uri, {"metrics": [], "params": {}, "images": [], "ends": []})

    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name):
        self.all["experiment"] = name
        return "7"

    def create_run(self, experiment, run_name):
        self.all["runs"] = [*self.all.get("runs", []), (experiment, run_name)]
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id="r1"))

    def update_run(self, run_id, status):
        self.all["ends"].append((run_id, status))

    def log_batch(self, run_id, metrics=(), params=()):
        assert run_id == "r1"
        assert len(metrics) <= 1000
        assert len(params) <= 100
        self.all["metrics"] += metrics
        self.all["params"] |= dict(params)

    def log_image(self, run_id, picture, key, step):
        self.all["images"].append((key, picture.shape, step))

    def set_terminated(self, run_id, status):
        self.all["ends"].append((run_id, status))


@pytest.fixture
def mlflow(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "")  # so that what is set by the tracker is taken back
        monkeypatch.delenv(name)
    FakeClient.kept = {}
    entities = types.SimpleNamespace(Metric=lambda *values: values, Param=lambda *values: values)
    monkeypatch.setitem(sys.modules, "mlflow", module("mlflow", entities=entities, MlflowClient=FakeClient))
    return FakeClient.kept


def test_tensorboard_has_curves_pictures_and_hyper_parameters(toy_root, tmp_path):
    run, _ = start.start(configuration(toy_root), tmp_path)
    events = EventAccumulator(str(run.path / "tensorboard"), size_guidance={"images": 0}).Reload()
    history = run_directory.read_history(run.history)
    for key in ("loss", "lr", "mean_iou", "pixel_accuracy"):
        points = events.Scalars(key)
        assert [p.step for p in points] == [2, 4]
        assert [p.value for p in points] == pytest.approx([float(row[key]) for row in history], rel=1e-5)
    assert [p.step for p in events.Scalars("step/loss")] == [1, 2, 3, 4]
    assert {"step/lr", "step/gradient_norm"} <= set(events.Tags()["scalars"])
    assert [p.step for p in events.Images("preview")] == [2, 4]
    for image in events.Images("preview"):
        shown = cv2.imdecode(np.frombuffer(image.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
        kept = cv2.imread(str(run.preview(image.step // 2)))
        assert (shown == kept).all()
    data = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    found = plugin_data_pb2.HParamsPluginData.FromString(data).session_start_info.hparams
    assert found["model.width"].number_value == 0.25
    assert found["optim.name"].string_value == "adamw"
    names = plugin_data_pb2.HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/experiment").plugin_data.content
    ).experiment.metric_infos
    assert {info.name.tag for info in names} >= {"mean_iou", "loss"}


def test_wandb_is_offline_and_a_resumed_run_keeps_its_id(toy_root, tmp_path, wandb, capsys):
    run, _ = start.start(configuration(toy_root, ["wandb"], epochs=1), tmp_path)
    given = wandb.given[0]
    assert given["mode"] == "offline"
    assert os.environ["WANDB_ERROR_REPORTING"] == "false"
    assert given["dir"] == str(run.path)
    assert given["config"] == to_dict(run.load_config())
    assert ("*", "step") in wandb.metrics
    rows = {key: row for row in wandb.rows for key in row}
    assert {"step/loss", "step/lr", "mean_iou", "preview"} <= rows.keys()
    assert rows["mean_iou"]["step"] == 2
    assert wandb.ends == [0]
    assert "wandb sync" in capsys.readouterr().err
    start.resume(run, {"train": {"epochs": 2}})
    assert wandb.given[1]["id"] == "fresh"
    assert wandb.given[1]["resume"] == "allow"


def test_wandb_goes_online_when_the_user_says_so(toy_root, tmp_path, wandb, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    trackers.start(["wandb"], RunDirectory(tmp_path), {}, ["mean_iou"], 0, print)
    assert wandb.given[0]["mode"] == "online"


def test_mlflow_writes_into_the_run(toy_root, tmp_path, mlflow):
    run, _ = start.start(configuration(toy_root, ["mlflow"], epochs=1), tmp_path)
    ((address, kept),) = mlflow.items()
    assert address == (run.path / "mlruns").resolve().as_uri()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert kept["runs"] == [("7", run.path.name)]
    assert kept["params"]["optim.name"] == "adamw"
    assert {(name, step) for name, _, _, step in kept["metrics"]} >= {("step/loss", 1), ("mean_iou", 2)}
    assert kept["images"][0][0] == "preview"
    start.resume(run, {"train": {"epochs": 2}})
    assert len(kept["runs"]) == 1, "the same run goes on"
    assert kept["ends"] == [("r1", "FINISHED"), ("r1", "RUNNING"), ("r1", "FINISHED")]


def test_the_real_mlflow_keeps_parameters_scores_and_pictures(toy_root, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    client = pytest.importorskip("mlflow", reason="mlflow-skinny isn't installed").MlflowClient
    run, _ = start.start(configuration(toy_root, ["mlflow"], epochs=1), tmp_path)
    store = client(tracking_uri=(run.path / "mlruns").resolve().as_uri())
    (kept,) = store.search_runs([store.get_experiment_by_name("sceneseg").experiment_id])
    assert kept.info.status == "FINISHED"
    assert kept.data.params["model.width"] == "0.25"
    assert kept.data.metrics["mean_iou"] == pytest.approx(json.loads(run.metrics.read_text())["mean_iou"])
    assert [point.step for point in store.get_metric_history(kept.info.run_id, "step/loss")] == [1, 2]
    assert any("preview" in file.path for file in store.list_artifacts(kept.info.run_id, "images"))


def test_the_real_wandb_keeps_parameters_scores_and_pictures_offline(toy_root, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    pytest.importorskip("wandb", reason="wandb isn't installed")
    run, _ = start.start(configuration(toy_root, ["wandb"], epochs=1), tmp_path)
    (folder,) = (run.path / "wandb").glob("offline-run-*")
    (told,) = folder.glob("*.wandb")
    assert all(word in told.read_bytes() for word in (b"crop_size", b"adamw", b"mean_iou", b"step/loss"))
    assert len(list(folder.glob("files/media/images/preview_*.png"))) == 1


def test_mlflow_goes_where_the_user_says(tmp_path, mlflow, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    trackers.start(["mlflow"], RunDirectory(tmp_path), {}, ["mean_iou"], 0, print)
    assert list(mlflow) == ["http://elsewhere"]
    assert "MLFLOW_ALLOW_FILE_STORE" not in os.environ


def test_a_tracker_that_fails_does_not_end_the_run(toy_root, tmp_path, wandb, capsys):
    wandb.broken = True
    run, finished = start.start(configuration(toy_root, ["wandb"], epochs=1), tmp_path)
    assert finished
    assert len(run_directory.read_history(run.history)) == 1
    assert "WandB is left out from here on (ConnectionError: the server is gone)" in capsys.readouterr().err
    assert wandb.ends == [1]


def test_a_tracker_that_cannot_start_is_left_out(toy_root, tmp_path, wandb, monkeypatch, capsys):
    def refuse(**settings):
        raise OSError("no key")

    monkeypatch.setattr(sys.modules["wandb"], "init", refuse)
    _, finished = start.start(configuration(toy_root, ["wandb"], epochs=1), tmp_path)
    assert finished
    assert "The tracker wandb is left out: it can't start (OSError: no key)" in capsys.readouterr().err


def test_an_interrupted_and_a_failed_run_say_so(toy_root, tmp_path, wandb, mlflow, monkeypatch):
    def fail(self, batch, say):
        raise ValueError("no")

    monkeypatch.setattr("sceneseg.training.gradients.GradientAccumulator.compute", fail)
    with pytest.raises(ValueError, match="no"):
        start.start(configuration(toy_root, ["wandb", "mlflow"]), tmp_path)
    assert wandb.ends == [1]
    ((_, kept),) = mlflow.items()
    assert kept["ends"] == [("r1", "FAILED")]


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_missing_package_is_a_sentence_before_anything_is_made(toy_root, tmp_path, monkeypatch, name):
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda package: None)
    with pytest.raises(ConfigError, match=rf"The tracker {name} needs.*pip install {name}"):
        start.start(configuration(toy_root, [name]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_wrong_name_is_a_sentence(toy_root, tmp_path):
    with pytest.raises(UnknownNameError, match='no tracker called "wandbb".*Did you mean "wandb"'):
        start.start(configuration(toy_root, ["wandbb"]), tmp_path)


def test_names_may_be_joined_by_commas(toy_root):
    assert configuration(toy_root, ["wandb,mlflow"]).train.log == ["wandb", "mlflow"]


def test_no_more_points_than_a_screen_has(tmp_path):
    class Counting(trackers.base.Tracker):
        told = 0

        def scalars(self, values, step):
            Counting.told += 1

        def picture(self, name, picture, step):
            raise AssertionError(np.shape(picture))

        def finish(self, end):
            assert end == "finished"

    tracking = Tracking(print)
    tracking.trackers = [Counting(RunDirectory(tmp_path), {}, [], 0)]
    view = types.SimpleNamespace(steps=10_000, loss=1.0, lr=1.0, gradient_norm=None, interrupted=False)
    for view.step in range(1, 10_001):
        tracking.on_step_end(view)
    tracking.on_end(view)
    assert Counting.told == 2000


def test_what_a_tracker_calls_the_run_stands_beside_it(tmp_path, wandb, mlflow):
    trackers.start(["wandb", "mlflow"], RunDirectory(tmp_path), {}, ["mean_iou"], 0, print)
    assert json.loads((tmp_path / "trackers.json").read_text()) == {"wandb": "fresh", "mlflow": "r1"}
