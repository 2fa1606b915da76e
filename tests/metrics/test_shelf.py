"""Every metric on the shelf, and two of a user's file: from training to the report, and back out of the counts."""

import shutil

import numpy as np
import pytest

import sceneseg
from sceneseg import datasets, tasks, user_files
from sceneseg.cli.app import app
from sceneseg.config.conversion import from_dict
from sceneseg.datasets.camvid import LABEL_SPACE as CAMVID
from sceneseg.errors import ConfigError
from sceneseg.labels import IGNORE_INDEX
from sceneseg.metrics import metrics, metrics_of, register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.scores import semantic_scores
from sceneseg.metrics.totals import SegmentationTotals
from sceneseg.records.history import read_epochs
from sceneseg.records.run_directory import RunDirectory, read_header
from sceneseg.records.scores import read_scores

FILE = """
import numpy as np

from sceneseg.metrics import register
from sceneseg.metrics.base import Metric, MetricResult
from sceneseg.metrics.totals import by_name, ratio


@register(name="frequency_weighted_iou")
class FrequencyWeightedIoU(Metric):
    key, label, in_history = "frequency_weighted_iou", "Frequency-weighted IoU", True
    class_key, class_label, heading = "frequency", "Frequency", "freq"

    def compute(self, totals):
        tp, fp, fn = totals.classes
        frequency = totals.truths / totals.labeled
        return MetricResult(float(frequency @ ratio(tp, tp + fp + fn, 0.0)), by_name(totals.names, frequency))


@register
class BorderAccuracy(Metric):
    key, label, is_headline = "border_accuracy", "Border accuracy", True

    def count(self, labels, prediction, num_classes):
        border = np.zeros(labels.shape, bool)
        border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
        border[1:] |= labels[1:] != labels[:-1]
        border &= labels < num_classes
        return np.array([(prediction == labels)[border].sum(), border.sum()])

    def compute(self, totals):
        counts = totals.counted(self.key)
        return MetricResult(None if counts is None else float(counts[0] / counts[1]))
"""
OURS = ("frequency_weighted_iou", "border_accuracy")


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """Put the metrics of a user's file on the shelf for the tests of this module that ask for them."""
    file = tmp_path_factory.mktemp("user") / "my_metrics.py"
    file.write_text(FILE)
    user_files.allow(file)
    user_files.run_allowed()
    yield
    user_files._allowed.pop(str(file))
    user_files._modules.pop(str(file))
    for name in OURS:
        del metrics._things[name]


@pytest.fixture(scope="module")
def run(outside, toy_root, tmp_path_factory):
    """Two steps on toy scenes, of which the accuracy at borders chooses the best."""
    return sceneseg.train(
        {"name": "separable_unet", "width": 4},
        "cityscapes",
        toy_root,
        runs=tmp_path_factory.mktemp("runs"),
        **{"name": "metrics", "epochs": 2, "steps_per_epoch": 1, "batch_size": 2, "crop_size": (32, 64), "workers": 0},
        **{"check": False, "precision": "32-true", "train": {"device": "cpu", "best": "border_accuracy"}},
    ).run


@pytest.mark.parametrize("name", metrics.builtin())
def test_a_metric_has_the_name_of_its_file(name):
    metric = metrics.create(name)
    assert metric.key == name == type(metric).__module__.rpartition(".")[2]
    assert metric.label
    assert metric.unit == "%"
    assert metric.order < Metric.order, "those from outside come last"
    assert metric.tasks
    assert bool(metric.class_label) == bool(metric.class_key or metric.category_key)


def test_the_shelf_is_as_it_was_without_the_file():
    found = [metric.key for metric in metrics_of("semantic")]
    assert found[:2] == ["mean_iou", "mean_iiou"]
    assert [metric.key for metric in metrics_of("classification")] == ["top1", "top5", "class_accuracy"]


def test_training_scores_and_chooses_by_it(run, toy_root):
    scores = read_scores(run.metrics)
    model, dataset = sceneseg.load(run.path, "cpu"), datasets.create("cityscapes", root=toy_root, split="val")
    pixels = hits = 0
    for i in range(len(dataset)):
        labels, found = dataset.read_labels(i), model.predict(dataset.files[i].image).labels
        for y, x in np.argwhere(labels != IGNORE_INDEX):
            if (x and labels[y, x] != labels[y, x - 1]) or (y and labels[y, x] != labels[y - 1, x]):
                pixels += 1
                hits += labels[y, x] == found[y, x]
    assert scores["border_accuracy"] == hits / pixels
    assert sum(row["frequency"] for row in scores.classes.values()) == pytest.approx(1)
    history = read_epochs(run.history)
    assert max(row.value("border_accuracy") for row in history) == scores["border_accuracy"]
    assert all(0 < row.value("frequency_weighted_iou") < 1 for row in history)
    assert tasks.best_score("semantic", "border_accuracy") == ("border_accuracy", "border accuracy")
    assert list(read_header(run.best).score.means) == ["border_accuracy"]


def test_a_metric_that_is_not_in_the_history_has_no_column(outside, toy_root):
    task = tasks.create(from_dict({"data": {"root": str(toy_root)}}))
    assert "frequency_weighted_iou" in task.scores
    assert "border_accuracy" not in task.scores
    assert task.measured >= set(OURS)


def test_the_report_shows_it(run):
    page = run.report.read_text()
    for expected in ("border accuracy · val", "<dt>Border accuracy", "<dt>Frequency-weighted IoU", ">Frequency</th>"):
        assert expected in page


def test_a_report_without_the_file_names_it_by_its_key(run, monkeypatch):
    monkeypatch.setattr(user_files, "_allowed", {})
    monkeypatch.setattr(metrics, "_things", {k: v for k, v in metrics._things.items() if k not in OURS})
    page = sceneseg.report(run.path).path.read_text()
    assert "border accuracy · val" in page
    assert "<dt>Frequency weighted iou" in page


def test_it_is_found_again_in_the_counts(run, capsys):
    app(["evaluate", "--from", str(run.path)], result_action="return_value")
    printed = capsys.readouterr().out
    assert "Border accuracy" in printed
    assert "Frequency-weighted IoU" in printed
    assert "freq" in printed.splitlines()[2], "a column of the table of classes"
    again = sceneseg.evaluate(counts=run.path).scores
    assert again.means == read_scores(run.metrics).means
    with np.load(run.confusion) as stored:
        assert stored["count_border_accuracy"].dtype == np.int64
        assert stored["count_border_accuracy"].shape == (len(stored["names"]), 2)
        assert "count_frequency_weighted_iou" not in stored


def test_evaluating_the_weights_repeats_it(run):
    assert sceneseg.evaluate(run.path, device="cpu").scores.means == read_scores(run.metrics).means


def test_another_label_space_leaves_it_out(run):
    means = sceneseg.evaluate(counts=run.path, label_space="categories").scores.means
    assert means["border_accuracy"] is None
    assert means["frequency_weighted_iou"] is not None


def test_counts_of_earlier_versions_have_none(run, tmp_path):
    earlier = RunDirectory(tmp_path / "earlier")
    shutil.copytree(run.path, earlier.path)
    with np.load(run.confusion) as stored:
        np.savez_compressed(earlier.confusion, **{k: v for k, v in stored.items() if not k.startswith("count_")})
    means = sceneseg.evaluate(counts=earlier.path).scores.means
    assert means["border_accuracy"] is None
    assert means["frequency_weighted_iou"] == read_scores(run.metrics)["frequency_weighted_iou"]


def test_two_parts_count_as_one(outside):
    space, rng = CAMVID, np.random.default_rng(0)
    images = {str(n): rng.integers(0, 2, (2, 9, 7)).astype(np.uint8) for n in range(5)}
    whole, parts = SemanticCounts(space), [SemanticCounts(space), SemanticCounts(space)]
    for name, (labels, prediction) in images.items():
        whole.add(name, labels, prediction)
        parts[int(name) % 2].add(name, labels, prediction)
    parts[1].merge(parts[0])
    assert semantic_scores(parts[1]).means == semantic_scores(whole).means
    counted = SegmentationTotals(whole).counted("border_accuracy")
    assert counted is not None
    assert 0 < counted[0] < counted[1] < 5 * 9 * 7
    del parts[1].images["0"].counted["border_accuracy"]
    assert semantic_scores(parts[1])["border_accuracy"] is None, "a part that lacks it makes the sum meaningless"


def test_two_metrics_of_one_key_are_refused():
    @register(name="other_iou")
    class OtherIoU(Metric):
        key, label = "mean_iou", "Other IoU"

        def compute(self, totals):
            return MetricResult(None)

    try:
        with pytest.raises(ConfigError, match='"other_iou".*have the same key, mean_iou'):
            metrics_of("semantic")
    finally:
        del metrics._things["other_iou"]
