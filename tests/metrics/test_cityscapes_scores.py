"""Every row of cityscapesScripts, computed by cityscapesScripts itself from files, against ours from arrays."""

import copy
import json
import math

import cv2
import numpy as np
import pytest

from sceneseg.datasets.cityscapes import LABEL_SPACE, LABELS
from sceneseg.metrics.cityscapes import AVERAGE_PIXELS
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.semantic import semantic_scores
from sceneseg.metrics.table import score_table

LABEL_IDS = {row.name: row.label_id for row in LABELS}
THINGS = [row.label_id for row in LABELS if row.has_instances]
CARAVAN, TRAILER, POLEGROUP = (LABEL_IDS[name] for name in ("caravan", "trailer", "polegroup"))


@pytest.fixture
def official(tmp_path, monkeypatch):
    """Return a function (label ids, instance ids, prediction) of each image -> what cityscapesScripts finds."""
    evaluation = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    # cityscapesScripts 2.3.0 calls np.in1d, which NumPy 2.4 has removed.
    monkeypatch.setattr(np, "in1d", lambda a, b, **options: np.isin(np.ravel(a), b, **options), raising=False)

    def evaluate(images, quiet=True):
        files = []
        for i, (label_ids, instance_ids, prediction) in enumerate(images):
            stem = tmp_path / f"city_{i:06}_000000"
            names = [f"{stem}_{kind}.png" for kind in ("gtFine_labelIds", "gtFine_instanceIds", "pred")]
            for name, array in zip(names, (label_ids, instance_ids, prediction), strict=True):
                assert cv2.imwrite(name, array)
            files.append((names[2], names[0]))
        args = copy.copy(evaluation.args)
        args.quiet, args.JSONOutput, args.colorized, args.bold, args.nocol = quiet, False, False, "", ""
        return evaluation.evaluateImgLists(*map(list, zip(*files, strict=True)), args)

    return evaluate


def ours(images):
    counts = SemanticCounts(LABEL_SPACE)
    for i, (label_ids, instance_ids, prediction) in enumerate(images):
        instances = np.where(instance_ids >= 1000, instance_ids, 0).astype(np.int32)
        counts.add(f"{i:06}", LABEL_SPACE.encode(label_ids), LABEL_SPACE.encode(prediction), instances)
    return semantic_scores(counts, LABEL_SPACE)


def rows(found):
    """Bring the official result into the form of ours: (kind, name, score) -> value, None for NaN."""
    average = {
        ("mean", "", "iou"): found["averageScoreClasses"],
        ("mean", "", "iiou"): found["averageScoreInstClasses"],
        ("mean", "", "category_iou"): found["averageScoreCategories"],
        ("mean", "", "category_iiou"): found["averageScoreInstCategories"],
    }
    tables = {
        ("class", "iou"): found["classScores"],
        ("class", "iiou"): found["classInstScores"],
        ("category", "iou"): found["categoryScores"],
        ("category", "iiou"): found["categoryInstScores"],
    }
    known = {"class": LABEL_SPACE.names, "category": LABEL_SPACE.categories}
    each = {(kind, name, score): table[name] for (kind, score), table in tables.items() for name in known[kind]}
    left_out = [value for (kind, _), table in tables.items() for n, value in table.items() if n not in known[kind]]
    assert all(map(math.isnan, left_out))  # void has no score
    return {key: None if math.isnan(value) else value for key, value in (average | each).items()}


def our_rows(scores):
    mean = {
        ("mean", "", name): scores.means[f"mean_{name}"] for name in ("iou", "iiou", "category_iou", "category_iiou")
    }
    classes = {("class", n, k): c[k] for n, c in scores.classes.items() for k in ("iou", "iiou")}
    return mean | classes | {("category", n, k): c[k] for n, c in scores.categories.items() for k in c}


def differing(found, expected):
    assert found.keys() == expected.keys()
    assert any(value is not None for value in expected.values())
    return {
        key: (found[key], value)
        for key, value in expected.items()
        if (found[key] is None) != (value is None) or (value is not None and abs(found[key] - value) >= 1e-9)
    }


def random_image(rng, shape=(48, 80)):
    """Rectangles of all 34 label ids; objects of all kinds with a number, or as a group without one."""
    label_ids, instance_ids = np.full(shape, 7, np.uint8), np.full(shape, 7, np.uint16)
    for n in range(60):
        label_id = rng.choice(THINGS) if n % 2 else rng.integers(0, 34)
        top, left = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        inside = np.s_[top : top + rng.integers(2, 16), left : left + rng.integers(2, 16)]
        label_ids[inside] = label_id
        group = label_id not in THINGS or rng.random() < 0.2
        instance_ids[inside] = label_id if group else label_id * 1000 + n
    prediction = np.where(rng.random(shape) < 0.6, label_ids, np.roll(label_ids, (3, 7), (0, 1)))
    noise = rng.random(shape) < 0.1
    return label_ids, instance_ids, np.where(noise, rng.integers(0, 34, shape), prediction).astype(np.uint8)


def without(prediction, *label_ids):
    return np.where(np.isin(prediction, label_ids), 0, prediction).astype(np.uint8)


@pytest.mark.parametrize(("seed", "shape"), [(0, (48, 80)), (1, (48, 80)), (2, (49, 79)), (3, (260, 300))])
def test_random_maps_agree(official, seed, shape):
    rng = np.random.default_rng(seed)
    images = [(a, b, without(c, CARAVAN, TRAILER)) for a, b, c in (random_image(rng, shape) for _ in range(6))]
    label_ids, instance_ids, predictions = map(np.stack, zip(*images, strict=True))
    assert {CARAVAN, TRAILER, POLEGROUP, 0} <= set(label_ids.flat)
    assert set(THINGS) <= set((instance_ids // 1000).flat)  # single objects of every kind
    assert set(THINGS) <= set(instance_ids.flat)  # and groups of every kind
    assert POLEGROUP in predictions
    assert differing(our_rows(ours(images)), rows(official(images))) == {}


def test_a_few_classes_agree(official):
    """Most classes are absent, one only as a group, one only in the prediction."""
    label_ids, prediction = np.full((2, 40, 40), 7, np.uint8)
    instance_ids = np.full((40, 40), 7, np.uint16)
    for inside, label_id, number in (
        (np.s_[:10, :10], 26, 26001),
        (np.s_[20:30, :10], 26, 26002),
        (np.s_[:10, 20:30], 24, 24),
        (np.s_[20:30, 20:30], 29, 29001),
        (np.s_[35:, :], 4, 4),
    ):
        label_ids[inside], instance_ids[inside] = label_id, number
    prediction[:5, :10], prediction[5:8, :10], prediction[20:30, 20:30], prediction[15:18] = 26, 27, 26, 33
    prediction[35:] = 8
    images = [(label_ids, instance_ids, prediction)]
    scores = ours(images)
    assert differing(our_rows(scores), rows(official(images))) == {}
    assert scores.classes["person"]["iiou"] is None
    assert scores.classes["person"]["iou"] == 0.0
    assert scores.classes["bicycle"]["iiou"] == 0.0
    assert scores.classes["sidewalk"]["iou"] is None


def test_predicted_caravans_touch_one_row_only(official):
    """Train ids can't say "caravan", see `weigh_instances`; once written with `decode`, all rows agree again."""
    rng = np.random.default_rng(11)
    images = [random_image(rng) for _ in range(4)]
    assert {CARAVAN, TRAILER} <= {i for _, _, prediction in images for i in prediction.flat}
    found = our_rows(ours(images))
    assert differing(found, rows(official(images))).keys() == {
        ("category", "vehicle", "iiou"),
        ("mean", "", "category_iiou"),
    }
    written = [(a, b, LABEL_SPACE.decode(LABEL_SPACE.encode(c))) for a, b, c in images]
    assert differing(found, rows(official(written))) == {}


def test_real_pairs_agree_with_the_program_and_its_stored_result(official, shared_data):
    images = []
    for path in sorted((shared_data / "cityscapes_labels_only").rglob("*_labelIds.png")):
        label_ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        instance_ids = cv2.imread(str(path).replace("_labelIds", "_instanceIds"), cv2.IMREAD_UNCHANGED)
        images.append((label_ids, instance_ids, np.roll(label_ids, (4, 16), (0, 1))))
    stored = json.loads((shared_data / "oracles" / "cityscapes_eval_roll4x16.json").read_text())
    assert len(images) == len(stored["images"]) == 8
    found = our_rows(ours(images))
    assert differing(found, rows(stored)) == {}
    assert differing(found, rows(official(images))) == {}


def test_table_prints_the_same_lines(official, capsys):
    rng = np.random.default_rng(5)
    images = [(a, b, without(c, CARAVAN, TRAILER)) for a, b, c in (random_image(rng) for _ in range(3))]
    official(images, quiet=False)
    printed = capsys.readouterr().out
    expected = [line for line in printed[printed.index("classes  ") :].splitlines() if line]
    table = score_table(ours(images), LABEL_SPACE).splitlines()
    ours_of_theirs = [line for line in table if line][:-3]
    assert [line[: len(theirs)] for line, theirs in zip(ours_of_theirs, expected, strict=True)] == expected
    assert ours_of_theirs[0].split() == ["classes", "IoU", "nIoU", "Dice"], "one column that they don't have"
    assert len(expected) == 19 + 7 + 2 * 5


def test_average_sizes_are_the_published_ones():
    evaluation = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    assert evaluation.args.avgClassSize == AVERAGE_PIXELS
