import json

import cv2
import numpy as np
import pytest

from sceneseg.datasets.camvid import LABEL_SPACE as CAMVID
from sceneseg.datasets.cityscapes import LABEL_SPACE as CITYSCAPES
from sceneseg.errors import ConfigError
from sceneseg.labels import LabelClass, LabelSpace
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.semantic import semantic_scores
from sceneseg.metrics.table import score_table
from sceneseg.records.scores import Scores

TOY = LabelSpace(
    "toy",
    (
        LabelClass("road", (1, 1, 1), (0,), "flat"),
        LabelClass("car", (2, 2, 2), (1,), "vehicle", has_instances=True),
        LabelClass("tram on rails", (3, 3, 3), (2,), "vehicle"),
        LabelClass("thing", (4, 4, 4), (3,)),
    ),
)


def pixels(confusion):
    """Return labels and a prediction that have this confusion matrix (void last)."""
    confusion = np.asarray(confusion)
    ids = np.array([*range(len(confusion) - 1), 255], np.uint8)
    labels, prediction = (np.repeat(grid.ravel(), confusion.ravel()) for grid in np.meshgrid(ids, ids, indexing="ij"))
    return labels[None], prediction[None]


def scores_of(confusion, space, **rules):
    counts = SemanticCounts(space)
    counts.add("all", *pixels(confusion))
    return semantic_scores(counts, space, **rules)


# rows: truth road, car, tram, thing, void
CONFUSION = [
    [50, 3, 2, 0, 5],
    [4, 20, 6, 0, 0],
    [0, 5, 0, 0, 1],
    [0, 0, 0, 0, 0],
    [7, 1, 0, 0, 9],
]


def test_scores_by_hand():
    scores = scores_of(CONFUSION, TOY)
    assert scores.classes["road"] == {
        "iou": 50 / (60 + 4),
        "iiou": None,
        "dice": 100 / (100 + 10 + 4),
        "accuracy": 50 / 60,
    }
    assert scores.classes["car"] == {"iou": 20 / 38, "iiou": None, "dice": 40 / 58, "accuracy": 20 / 30}
    assert scores.classes["tram on rails"] == {"iou": 0.0, "iiou": None, "dice": 0.0, "accuracy": 0.0}
    assert scores.classes["thing"] == {"iou": None, "iiou": None, "dice": None, "accuracy": None}
    assert scores.categories == {
        "flat": {"iou": 50 / 64, "iiou": None},
        "vehicle": {"iou": 31 / (36 + 5), "iiou": None},
    }
    assert scores.means["mean_iou"] == pytest.approx((50 / 64 + 20 / 38) / 3, abs=1e-15)
    assert scores.means["mean_dice"] == pytest.approx((100 / 114 + 40 / 58) / 3, abs=1e-15)
    assert scores.means["class_accuracy"] == pytest.approx((50 / 60 + 20 / 30) / 3, abs=1e-15)
    assert scores.means["pixel_accuracy"] == 70 / 96
    assert scores.means["mean_category_iou"] == pytest.approx((50 / 64 + 31 / 41) / 2, abs=1e-15)
    assert scores.means["mean_iiou"] is None
    assert scores.means["mean_category_iiou"] is None
    assert Scores.from_dict(json.loads(json.dumps(scores.to_dict()))) == scores


def test_void_as_false_positive():
    scores = scores_of(CONFUSION, TOY, void="false_positive")
    assert scores.classes["road"]["iou"] == 50 / (60 + 4 + 7)
    assert scores.classes["road"]["dice"] == 100 / (100 + 10 + 11)
    assert scores.classes["road"]["accuracy"] == 50 / 60
    assert scores.categories["vehicle"]["iou"] == 31 / (36 + 5 + 1)
    assert scores.means["pixel_accuracy"] == 70 / 96


def test_absent_as_zero():
    scores = scores_of(CONFUSION, TOY, absent="zero")
    assert scores.classes["thing"] == {"iou": 0.0, "iiou": None, "dice": 0.0, "accuracy": 0.0}
    assert scores.means["mean_iou"] == pytest.approx((50 / 64 + 20 / 38) / 4, abs=1e-15)
    assert scores.means["class_accuracy"] == pytest.approx((50 / 60 + 20 / 30) / 4, abs=1e-15)
    assert scores.means["mean_iiou"] is None


def street(shape=(40, 60)):
    """Every class and void, each box of a thing is an object."""
    labels, instances = np.full(shape, 255, np.uint8), np.zeros(shape, np.int32)
    for i, c in enumerate(CITYSCAPES.classes):
        inside = np.s_[:30, 3 * i : 3 * i + 3]
        labels[inside], instances[inside] = i, (i + 1) * c.has_instances
    return labels, instances


def test_truth_itself_is_perfect():
    labels, instances = street()
    counts = SemanticCounts(CITYSCAPES)
    counts.add("a", labels, labels, instances)
    scores = semantic_scores(counts, CITYSCAPES)
    things = {c.name for c in CITYSCAPES.classes if c.has_instances}
    for name, values in scores.classes.items():
        assert values == {"iou": 1.0, "iiou": 1.0 if name in things else None, "dice": 1.0, "accuracy": 1.0}
    for name, values in scores.categories.items():
        assert values == {"iou": 1.0, "iiou": 1.0 if name in {"human", "vehicle"} else None}
    assert set(scores.means.values()) == {1.0}


def test_void_everywhere_scores_zero():
    labels, instances = street()
    labels[labels == 3] = 255
    counts = SemanticCounts(CITYSCAPES)
    counts.add("a", labels, np.full_like(labels, 255), instances)
    scores = semantic_scores(counts, CITYSCAPES)
    assert scores.classes["wall"]["iou"] is None
    values = {v for c in scores.classes.values() for v in c.values()} | set(scores.categories["human"].values())
    assert values == {0.0, None}
    assert set(scores.means.values()) == {0.0}


def test_instance_scores_need_instances_and_sizes():
    labels, instances = street()
    without = SemanticCounts(CITYSCAPES)
    unsized = SemanticCounts(CITYSCAPES, {"person": 10.0, "rider": 10.0, "road": 10.0})
    without.add("a", labels, labels)
    unsized.add("a", labels, labels, np.where(labels == 0, 99, instances).astype(np.int32))
    assert semantic_scores(without, CITYSCAPES).means["mean_iiou"] is None
    scores = semantic_scores(unsized, CITYSCAPES)
    assert [name for name, c in scores.classes.items() if c["iiou"] is not None] == ["person", "rider"]
    assert [name for name, c in scores.categories.items() if c["iiou"] is not None] == ["human"]


def camvid_pairs(folder):
    """Give the test split's stored labels, and the same shifted as a prediction (11 is void in both)."""
    for path in sorted((folder / "testannot").glob("*.png"))[::8]:
        label_ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        yield path.stem, label_ids, np.roll(label_ids, (5, -9), (0, 1))


@pytest.mark.parametrize("void", ["ignore", "false_positive"])
def test_camvid_by_masks(shared_data, void):
    counts, sums = SemanticCounts(CAMVID), np.zeros((11, 3), np.int64)
    for name, label_ids, prediction in camvid_pairs(shared_data / "camvid"):
        counts.add(name, CAMVID.encode(label_ids), CAMVID.encode(prediction))
        where = label_ids < 11 if void == "ignore" else np.ones(label_ids.shape, bool)
        for c in range(11):
            truth, found = (label_ids == c) & where, (prediction == c) & where
            sums[c] += (truth & found).sum(), (truth | found).sum(), truth.sum()
    assert len(counts) == 30
    both, either, truth = sums.T
    scores = semantic_scores(counts, CAMVID, void=void)
    assert [c["iou"] for c in scores.classes.values()] == (both / either).tolist()
    assert [c["accuracy"] for c in scores.classes.values()] == (both / truth).tolist()
    assert [c["dice"] for c in scores.classes.values()] == pytest.approx(2 * both / (either + both), abs=1e-15)
    assert scores.means["mean_iou"] == pytest.approx((both / either).mean(), abs=1e-15)
    assert scores.means["pixel_accuracy"] == both.sum() / truth.sum()
    assert scores.categories == {}


def test_void_rules_give_espnets_published_figures(shared_data):
    """The confusion matrix of ESPNet's official CamVid weights; 55.64 and 68.30 were published."""
    expected = json.loads((shared_data / "parity" / "expected.json").read_text())["camvid"][0]
    counts = SemanticCounts(CAMVID)
    counts.add("all", *pixels(expected["confusion_rows_gt_cols_pred_12x12"]))
    ignored = semantic_scores(counts, CAMVID, void="ignore")
    counted = semantic_scores(counts, CAMVID, void="false_positive")
    for scores, key in ((ignored, "void_gt_ignored"), (counted, "void_gt_counts_as_fp")):
        assert scores.means["mean_iou"] == pytest.approx(expected[f"miou_{key}"], abs=1e-12)
        for name, iou in expected[f"iou_{key}"].items():
            assert scores.classes[name]["iou"] == pytest.approx(iou, abs=1e-12)
        assert scores.means["class_accuracy"] == pytest.approx(expected["class_avg_acc"], abs=1e-12)
        assert scores.means["pixel_accuracy"] == pytest.approx(expected["pixel_acc_void_ignored"], abs=1e-12)
    assert round(100 * ignored.means["mean_iou"], 2) == 57.17
    assert abs(100 * counted.means["mean_iou"] - expected["published"]["miou"]) < 0.01
    assert round(100 * counted.means["class_accuracy"], 2) == expected["published"]["class_avg"]


@pytest.mark.parametrize("shift", [0, 10])
def test_absent_rules_give_ade20ks_figures(shared_data, shift):
    """The official evaluation of two images over all 150 classes; most of them are absent."""
    classes = tuple(LabelClass(str(i), (0, 0, 0), (i,)) for i in range(1, 151))
    space = LabelSpace("ade20k", classes, void_ids=(0,))
    counts = SemanticCounts(space)
    for path in sorted((shared_data / "ADEChallengeData2016/annotations/validation").glob("*.png")):
        label_ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        counts.add(path.stem, space.encode(label_ids), space.encode(np.roll(label_ids, shift, axis=1)))
    expected = json.loads((shared_data / "oracles" / "ade150_eval_roll.json").read_text())[f"roll_x_{shift}"]
    zero, skip = (semantic_scores(counts, space, absent=rule) for rule in ("zero", "skip"))
    assert zero.means["mean_iou"] == pytest.approx(expected["mean_iou_150"], abs=1e-9)
    assert skip.means["mean_iou"] == pytest.approx(expected["mean_iou_present"], abs=1e-9)
    assert zero.means["pixel_accuracy"] == expected["correct"] / expected["labelled"]
    for name, iou in expected["iou"].items():
        assert zero.classes[name]["iou"] == pytest.approx(iou, abs=1e-9)


def test_unknown_rules_and_spaces_are_refused():
    counts = SemanticCounts(TOY)
    with pytest.raises(ConfigError, match=r'void can.t be "ingore"\. Did you mean "ignore"\?'):
        semantic_scores(counts, TOY, void="ingore")
    with pytest.raises(ConfigError, match=r'absent can.t be "one".*skip, zero'):
        semantic_scores(counts, TOY, absent="one")
    with pytest.raises(ConfigError, match=r'counts are of the label space "toy" \(4 classes\)'):
        semantic_scores(counts, CAMVID)


def test_table_without_categories_and_instances():
    confusion = np.diag([5] * 11 + [0])
    confusion[0, 1] = 5
    confusion[10, 10] = 0
    lines = score_table(scores_of(confusion, CAMVID), CAMVID).splitlines()
    assert lines[0].split() == ["classes", "IoU", "Dice"]
    assert lines[2] == "Sky           : 0.500    0.667"
    assert lines[12] == "Bicyclist     :   nan      nan"
    assert lines[14] == "Score Average : 0.900    0.933"
    assert lines[-3:] == ["Mean Dice     : 0.933", "Pixel accuracy: 0.909", "Class accuracy: 0.950"]
    assert not any("categories" in line for line in lines)


def test_table_of_long_names_stays_aligned():
    lines = score_table(scores_of(CONFUSION, TOY), TOY).splitlines()
    row = next(line for line in lines if line.startswith("tram on rails"))
    assert row == "tram on rails : 0.000      nan    0.000"
    assert {line.index(":") for line in lines if ":" in line} == {14}
