import numpy as np
import pytest

from sceneseg.metrics.accuracy import ClassificationCounts, accuracy_scores, accuracy_table


def answered(truths, places, classes):
    """ClassificationCounts where the truth of image i comes in at the given place."""
    answers = ClassificationCounts([f"c{i}" for i in range(classes)])
    for i, (truth, place) in enumerate(zip(truths, places, strict=True)):
        order = [c for c in range(classes) if c != truth]
        order.insert(place - 1, truth)
        probabilities = np.zeros((1, classes), np.float32)
        probabilities[0, order] = np.arange(classes, 0, -1) / sum(range(classes + 1))
        answers.add([f"i{i}"], np.array([truth]), probabilities)
    return answers


def test_scores_follow_from_the_places():
    scores = accuracy_scores(answered([0, 0, 0, 1, 2], [1, 2, 6, 1, 5], 7))
    assert scores.means["top1"] == pytest.approx(2 / 5)
    assert scores.means["top5"] == pytest.approx(4 / 5)
    assert scores.classes["c0"]["accuracy"] == pytest.approx(1 / 3)
    assert scores.classes["c2"]["accuracy"] == 0
    assert scores.classes["c3"]["accuracy"] is None
    assert scores.means["class_accuracy"] == pytest.approx((1 / 3 + 1 + 0) / 3)


def test_rows_hold_what_the_scores_are_made_of():
    rows = answered([0, 3], [1, 3], 7).rows()
    assert rows[0] == {"name": "i0", "truth": "c0", "prediction": "c0", "probability": 0.25, "rank": 1}
    assert (rows[1]["prediction"], rows[1]["rank"]) == ("c0", 3)


@pytest.mark.parametrize(("classes", "there"), [(2, False), (5, False), (6, True)])
def test_there_is_no_top_5_where_it_would_always_be_one(classes, there):
    assert (accuracy_scores(answered([0, 1], [1, 2], classes)).means["top5"] is not None) is there


def test_agrees_with_a_count_by_hand_on_random_answers():
    rng = np.random.default_rng(0)
    probabilities, truths = rng.random((50, 9), np.float32), rng.integers(0, 9, 50)
    answers = ClassificationCounts([str(i) for i in range(9)])
    for part in (slice(0, 30), slice(20, 50)):  # ten images come twice
        answers.add([f"i{i}" for i in range(50)][part], truths[part], probabilities[part])
    scores = accuracy_scores(answers)
    assert len(answers.images) == 50
    assert scores.means["top1"] == (probabilities.argmax(1) == truths).mean()
    assert scores.means["top5"] == np.mean(
        [t in np.argpartition(p, -5)[-5:] for p, t in zip(probabilities, truths, strict=True)]
    )


def test_table():
    text = accuracy_table(accuracy_scores(answered([0, 1], [1, 2], 3)))
    assert "c0            : 1.000" in text
    assert "Top-1         : 0.500" in text
    assert "Top-5         :   nan" in text
