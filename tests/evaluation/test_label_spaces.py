"""Scores in another label space, from counts alone, are those of counting in that space."""

import json

import numpy as np
import pytest

from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import ConfigError, RunError
from sceneseg.evaluation.regrouping import regroup
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.scoring import score_run
from sceneseg.labels import choose_space, group
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.scores import semantic_scores
from sceneseg.metrics.sizes import size_bands
from sceneseg.records.scores import read_scores

SHARED = {"cityscapes:categories": ["human", "vehicle"], "cityscapes:classes+unlabeled": ["person", "car", "bicycle"]}


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    made = []
    for number in range(3):
        label_ids = np.kron(rng.integers(0, 34, (6, 9)), np.ones((4, 4), int)).astype(np.uint8)
        predicted = np.where(rng.random(label_ids.shape) < 0.6, label_ids, rng.choice([7, 8, 11, 24, 26, 33]))
        instances = np.where((label_ids >= 24) & (label_ids != 29), label_ids.astype(np.int32) * 1000 + 1, 0)
        made.append((f"scene{number}", label_ids, predicted, instances))
    return made


def counted(pictures, space):
    counts = SemanticCounts(space)
    for name, label_ids, predicted, instances in pictures:
        truth, prediction = (LABEL_SPACE.encode(ids) for ids in (label_ids, predicted))
        table = LABEL_SPACE.train_ids_in(space)
        counts.add(name, table[truth], table[prediction], instances)
    return counts


@pytest.mark.parametrize("wanted", ["categories", "categories+void", "road", "classes+unlabeled", "human,car+void"])
def test_regrouped_counts_are_those_of_counting_in_the_space(pictures, wanted):
    space = choose_space(LABEL_SPACE, wanted)
    direct, again = counted(pictures, space), regroup(counted(pictures, LABEL_SPACE), space)
    assert again.names == direct.names
    for name in direct.names:
        assert np.array_equal(again.images[name].confusion, direct.images[name].confusion)


def test_categories_score_as_the_category_rows_did(pictures):
    counts = counted(pictures, LABEL_SPACE)
    before = semantic_scores(counts)
    space = choose_space(LABEL_SPACE, "categories")
    after = semantic_scores(regroup(counts, space))
    assert after.means["mean_iou"] == before.means["mean_category_iou"]
    assert after.means["mean_iiou"] == before.means["mean_category_iiou"]
    for name, scores in before.categories.items():
        assert after.classes[name]["iou"] == scores["iou"]
        assert after.classes[name]["iiou"] == scores["iiou"]


def test_instance_scores_are_left_out_where_they_cant_be_known(pictures):
    counts = counted(pictures, LABEL_SPACE)
    space = group(LABEL_SPACE, "x", {"person": ["person"], "four wheels": ["car", "truck", "bus"], "rest": ["rest"]})
    scores = semantic_scores(regroup(counts, space)).classes
    assert scores["person"]["iiou"] is not None
    assert scores["four wheels"]["iiou"] is None
    with_caravans = group(LABEL_SPACE, "x", {"vehicle": ["vehicle"], "void": ["void"], "rest": ["rest"]})
    assert semantic_scores(regroup(counts, with_caravans)).classes["vehicle"]["iiou"] is not None
    part = group(LABEL_SPACE, "x", {"car": ["car"], "person": ["person"]})
    kept = regroup(counts, part)
    assert semantic_scores(kept).means["mean_category_iiou"] is None, "vehicle has lost most of its classes"
    assert semantic_scores(kept).means["mean_iou"] > 0


def test_unlabeled_keeps_the_instance_scores_of_the_classes(pictures):
    counts = counted(pictures, LABEL_SPACE)
    space = choose_space(LABEL_SPACE, "classes+unlabeled")
    after = regroup(counts, space).total().instances
    before = counts.total().instances
    assert np.array_equal(after.tp[:19], before.tp)
    assert np.array_equal(after.category_fn, before.category_fn)


@pytest.mark.parametrize("wanted", ["categories", "classes+unlabeled", "human,car+void"])
def test_objects_are_found_in_the_space_as_if_counted_there(pictures, wanted):
    space = choose_space(LABEL_SPACE, wanted)
    direct, again = (
        size_bands(c, [17, 49]) for c in (counted(pictures, space), regroup(counted(pictures, LABEL_SPACE), space))
    )
    assert direct == again
    assert sum(band.objects for band in direct.all) > 5


def request(**changes):
    values = {"data": None, "root": None, "split": "val", "target_size": None, "void": "ignore", "device": "cpu"}
    return Request(**values | changes)


@pytest.fixture
def run(tmp_path, pictures):
    counts = counted(pictures, LABEL_SPACE)
    counts.save(tmp_path / "confusion.npz")
    protocol = {"dataset": "cityscapes", "split": "val", "label_space": "cityscapes", "void": "ignore"}
    (tmp_path / "metrics.json").write_text(json.dumps({"protocol": protocol}))
    return tmp_path


def test_a_run_is_scored_again_from_its_counts(run, pictures):
    scores, table = score_run(run, request(label_space="categories"))
    assert scores.protocol.label_space == "cityscapes:categories"
    assert scores.means["mean_iou"] == semantic_scores(counted(pictures, LABEL_SPACE)).means["mean_category_iou"]
    assert "construction" in table
    kept = run / "evaluations" / "cityscapes-val-categories"
    assert read_scores(kept / "metrics.json") == scores
    coarser, _ = score_run(kept, request(label_space="vehicle"))
    assert coarser.classes["vehicle"] == scores.classes["vehicle"]


def test_size_bands_need_no_model_either(run):
    scores, table = score_run(run, request(label_space="categories", size_bands=[17]))
    assert scores.size_bands.classes.keys() == {"human", "vehicle"}
    assert "objects by pixels" in table
    assert score_run(run, request())[0].size_bands is None


def test_other_rules_for_void_need_no_model_either(run):
    strict, _ = score_run(run, request(void="false_positive"))
    assert strict.means["mean_iou"] < score_run(run, request())[0].means["mean_iou"]
    assert strict.protocol.void == "false_positive"


def test_what_counts_dont_tell_is_said(run, tmp_path):
    file = tmp_path / "parking.yaml"
    file.write_text("classes: {parking: [9], other: rest}")
    with pytest.raises(ConfigError, match="void stands for.*set label_space"):
        score_run(run, request(label_space=str(file)))
    with pytest.raises(RunError, match="no such file"):
        score_run(tmp_path / "none", request())
