"""Run directories of 0.1.0: all of their files are read, reported and scored again.

They were made from 8 toy scenes (64 x 128) and 36 small images, two epochs each; weights and images are left out.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from sceneseg.evaluation.consistency import mismatch
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.scoring import score_run
from sceneseg.evaluation.stored import counts_of
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.records.environment import read_environment
from sceneseg.records.history import read_epochs
from sceneseg.records.model_cost import read_model_cost
from sceneseg.records.run_directory import RunDirectory, read_label_space
from sceneseg.records.scores import read_scores
from sceneseg.report.run.page import write_report
from sceneseg.report.run.run_reader import read_contents

RUNS = Path(__file__).parent / "runs_0_1_0"


@pytest.fixture
def run(tmp_path):
    return RunDirectory(shutil.copytree(RUNS / "segmentation", tmp_path / "run"))


@pytest.mark.parametrize(
    ("task", "name", "parameters", "score"),
    [("segmentation", "fast_scnn", 1_138_051, "mean_iou"), ("classification", "classifier", 574_374, "top1")],
)
def test_every_file_is_read(task, name, parameters, score):
    run = RunDirectory(RUNS / task)
    scores, cost, epochs = read_scores(run.metrics), read_model_cost(run.model), read_epochs(run.history)
    assert run.load_config().model_name == name
    assert (cost.name, cost.parameters) == (name, parameters)
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert scores.means[score] == pytest.approx(max(epoch.scores[score] for epoch in epochs))
    assert scores.protocol.scorer == "sceneseg 0.1.0"
    assert scores.protocol.absent is None, "the rule came later"
    assert read_environment(run.environment).packages["numpy"]


@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_a_report_is_written(task, tmp_path):
    run = shutil.copytree(RUNS / task, tmp_path / task)
    assert "val · " in write_report(run).read_text()
    contents = read_contents(RunDirectory(run))
    assert not contents.damaged
    assert all("samples" in gap or "previews" in gap for gap in contents.gaps)


def test_scores_follow_from_the_counts(run):
    counts = SemanticCounts.load(run.confusion)
    assert counts.label_space == read_label_space(run)
    assert mismatch(run, read_scores(run.metrics), counts) == ""
    again, _ = score_run(run.path, Request(None, None, "val"))
    assert again.means == read_scores(run.metrics).means


def test_a_stored_evaluation_is_scored_in_another_label_space(run):
    stored = counts_of(run.evaluation("cityscapes-train").path)
    scores, table = score_run(stored.path, Request(None, None, "train", label_space="categories", absent="zero"))
    assert scores.protocol.counted_in == "cityscapes"
    assert scores.protocol.split == "train"
    ious = [values["iou"] for values in scores.classes.values()]
    assert scores.means["mean_iou"] == pytest.approx(np.mean(ious))
    assert "vehicle" in table
    written = read_scores(run.evaluation("cityscapes-train-categories").metrics)
    assert written.origin == read_scores(stored.metrics).origin
