import time

import numpy as np
import pytest

from sceneseg.errors import DataError
from sceneseg.labels import LabelClass, LabelSpace
from sceneseg.metrics.bootstrap import Bootstrap, bootstrap, draw_images, resampled_mean_iou
from sceneseg.metrics.confusion import ImageCounts, SemanticCounts
from sceneseg.metrics.semantic import semantic_scores, shared_class_ious

IMAGES, CLASSES = 13, 4


def space(classes=CLASSES):
    return LabelSpace("made up", tuple(LabelClass(f"c{i}", (i, i, i), (i,)) for i in range(classes)))


def counted(seed, right=0.7, images=IMAGES, classes=CLASSES):
    """Draw counts; the last class is rare: it is in one image only, so that some resamples lack it."""
    rng = np.random.default_rng(seed)
    counts = SemanticCounts(space(classes))
    for i in range(images):
        truth = np.append(np.random.default_rng(i).integers(1, 500, classes), 60)  # the same for every model
        truth[classes - 1] *= i == 0
        matrix = np.stack([rng.multinomial(n, np.full(classes + 1, (1 - right) / (classes + 1))) for n in truth])
        matrix[:, classes - 1] = 0
        matrix += np.diag(np.rint(truth * right).astype(int))
        counts.images[f"image{i:02}"] = ImageCounts(matrix.astype(np.int64))
    return counts


def brute_force(counts, weights, void):
    """Put each resample together image by image and score it as any data set is scored."""
    scores = []
    for row in weights:
        drawn = SemanticCounts(counts.label_space)
        for name, times in zip(counts.names, row, strict=True):
            for copy in range(times):
                drawn.images[f"{name}-{copy}"] = counts.images[name]
        scores.append(semantic_scores(drawn, counts.label_space, void).means["mean_iou"])
    return np.array(scores)


@pytest.mark.parametrize("void", ["ignore", "false_positive"])
def test_resamples_score_as_a_data_set_put_together_by_hand(void):
    counts = counted(0)
    weights = draw_images(IMAGES, 60, np.random.default_rng(5))
    assert (weights[:, 0] == 0).any(), "some resample must lack the rare class"
    assert np.allclose(resampled_mean_iou(counts, weights, void), brute_force(counts, weights, void), rtol=1e-13)


def test_every_image_once_is_the_score_itself():
    counts = counted(1)
    score = resampled_mean_iou(counts, np.ones((1, IMAGES), np.int64))
    assert score == pytest.approx(semantic_scores(counts, counts.label_space).means["mean_iou"], rel=1e-14)


def predicting_an_absent_class():
    """Two models of the same hits; one also predicts a class that nobody labeled."""
    one, other = SemanticCounts(space()), SemanticCounts(space())
    for i in range(IMAGES):
        truth = np.random.default_rng(i).integers(100, 500, CLASSES - 1)
        hits, misses = truth * 7 // 10, truth - truth * 7 // 10
        matrices = np.zeros((2, CLASSES + 1, CLASSES + 1), np.int64)
        matrices[:, range(CLASSES - 1), range(CLASSES - 1)] = hits
        matrices[0, : CLASSES - 1, CLASSES - 1] = misses  # for the absent class
        matrices[1, : CLASSES - 1, CLASSES] = misses  # for void
        for counts, matrix in zip((one, other), matrices, strict=True):
            counts.images[f"image{i:02}"] = ImageCounts(matrix)
    return one, other


def test_a_class_without_truth_counts_for_no_model():
    one, other = predicting_an_absent_class()
    found = bootstrap([[one], [other]], resamples=100)
    assert np.array_equal(found.scores[0], found.scores[1])
    zero = bootstrap([[one], [other]], resamples=100, absent="zero")
    assert np.allclose(zero.scores, found.scores * (CLASSES - 1) / CLASSES)
    assert np.array_equal(zero.scores[0], zero.scores[1])
    once = np.ones((1, IMAGES), np.int64)
    for absent in ("skip", "zero"):
        ious = [value for value in shared_class_ious(one, absent=absent).values() if value is not None]
        assert len(ious) == (CLASSES if absent == "zero" else CLASSES - 1)
        assert resampled_mean_iou(one, once, absent=absent)[0] == pytest.approx(np.mean(ious), rel=1e-14)
    skipped = semantic_scores(one, space()).means["mean_iou"], semantic_scores(other, space()).means["mean_iou"]
    assert skipped[0] < skipped[1], "the rule of cityscapesScripts counts it for the model that predicts it"


def test_counts_without_a_labeled_pixel_have_no_interval():
    counts = SemanticCounts(space())
    counts.images["a"] = ImageCounts(np.zeros((CLASSES + 1, CLASSES + 1), np.int64))
    assert bootstrap([[counts]], resamples=10).interval(0) is None


def test_draws_are_paired_and_seeded():
    models = [[counted(0)], [counted(1)], [counted(0)]]
    found = bootstrap(models, resamples=200)
    assert np.array_equal(found.scores[0], found.scores[2]), "equal counts must see equal images"
    assert found.difference(0, 2) == (0, 0)
    assert np.array_equal(found.scores, bootstrap(models, resamples=200).scores)
    assert not np.array_equal(found.scores, bootstrap(models, resamples=200, seed=1).scores)


def test_a_clear_difference_is_real_and_a_mere_redraw_is_not():
    found = bootstrap([[counted(0, right=0.8)], [counted(1, right=0.7)], [counted(2, right=0.7)]])
    assert found.difference(0, 1).low > 0.02
    assert found.difference(1, 0).high == pytest.approx(-found.difference(0, 1).low)
    low, high = found.difference(1, 2)
    assert low <= 0 <= high
    low, high = found.interval(0)
    assert low < semantic_scores(counted(0, right=0.8), space()).means["mean_iou"] < high


def test_interval_holds_the_middle_of_the_resamples():
    found = Bootstrap(np.arange(1001, dtype=float)[None], level=0.9)
    assert found.interval(0) == pytest.approx((50, 950))


def test_interval_covers_the_truth_about_as_often_as_it_says():
    """Splits of 40 images from a population whose mean IoU is known: 95 % intervals must miss it rarely."""
    rng = np.random.default_rng(0)
    population = [rng.multinomial(400, (share, 1 - share)) for share in rng.beta(6, 3, 4000)]
    truth = np.sum(population, 0)[0] / np.sum(population)
    covered = 0
    for _ in range(200):
        counts = SemanticCounts(space(1))
        for i, n in enumerate(rng.integers(4000, size=40)):
            hit, miss = population[n]
            counts.images[f"{i:02}"] = ImageCounts(np.array([[hit, miss], [0, 0]], np.int64))
        low, high = bootstrap([[counts]], resamples=400).interval(0)
        covered += low <= truth <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_void_alone_has_no_interval():
    counts = SemanticCounts(space(2))
    for i in range(3):
        counts.images[f"{i}"] = ImageCounts(np.diag([0, 0, 50]).astype(np.int64))
    found = bootstrap([[counts], [counts]], resamples=10)
    assert found.interval(0) is None
    assert found.difference(0, 1) is None


def test_seeds_widen_the_interval():
    near, far = counted(0, right=0.75), counted(1, right=0.65)
    alone, both = bootstrap([[near]]).interval(0), bootstrap([[near, far]]).interval(0)
    assert both.high - both.low > alone.high - alone.low
    assert both.low < alone.low


def test_others_than_the_same_images_and_classes_are_refused():
    with pytest.raises(DataError, match=r"1 that only some models were scored on, for example image13"):
        bootstrap([[counted(0)], [counted(0, images=IMAGES + 1)]])
    other = counted(0)
    other.label_space = LabelSpace("x", (LabelClass("road", (1, 1, 1), (0,)), *space().classes[1:]))
    with pytest.raises(DataError, match="same classes"):
        bootstrap([[counted(0)], [other]])
    with pytest.raises(DataError, match="no image"):
        bootstrap([[SemanticCounts(space())]])


def test_large_splits_take_seconds():
    counts = counted(0, images=500, classes=19)
    start = time.perf_counter()
    bootstrap([[counts]] * 4)
    assert time.perf_counter() - start < 10
