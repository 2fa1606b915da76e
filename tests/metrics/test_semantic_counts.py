import itertools
import json
import pickle

import numpy as np
import pytest

from sceneseg.datasets.camvid import LABEL_SPACE as CAMVID
from sceneseg.datasets.cityscapes import LABEL_SPACE as CITYSCAPES
from sceneseg.errors import DataError, RunError
from sceneseg.metrics import counts_file
from sceneseg.metrics.confusion import ImageCounts, SemanticCounts
from sceneseg.metrics.semantic import semantic_scores

PERSON, RIDER, CAR = 11, 12, 13


def image(rng, shape=(30, 40)):
    """Boxes of persons, riders and cars on a road, each box an object; the prediction is shifted."""
    labels, instances = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    for n in range(1, 9):
        top, left = rng.integers(0, shape[0] - 3), rng.integers(0, shape[1] - 3)
        labels[top : top + 7, left : left + 9] = rng.choice([PERSON, RIDER, CAR])
        instances[top : top + 7, left : left + 9] = n
    return labels, np.roll(labels, (1, 2), (0, 1)), instances


def images(count, seed=0):
    rng = np.random.default_rng(seed)
    return {f"{n:04}": image(rng) for n in range(count)}


def counted(samples):
    counts = SemanticCounts(CITYSCAPES)
    for name, sample in samples:
        counts.add(name, *sample)
    return counts


def test_weighted_objects_by_hand():
    labels = np.full((4, 5), PERSON, np.uint8)
    instances = np.array([[1, 1, 1, 1, 0], [2, 0, 0, 0, 0], [0] * 5, [0] * 5], np.int32)
    prediction = labels.copy()
    prediction[0, :2] = PERSON, RIDER
    prediction[0, 2:4] = 0, 255
    prediction[1, 0] = CAR
    counts = SemanticCounts(CITYSCAPES, {"person": 8.0})
    counts.add("a", labels, prediction, instances)
    found = counts.total().instances
    assert found.tp[PERSON] == 1 * 8 / 4
    assert found.fn[PERSON] == 3 * 8 / 4 + 1 * 8 / 1
    human = CITYSCAPES.categories.index("human")
    assert found.category_tp[human] == 2 * 8 / 4
    assert found.category_fn[human] == 2 * 8 / 4 + 1 * 8 / 1
    assert found.tp.sum() == found.tp[PERSON]
    assert found.tp.shape == (19,)
    assert found.category_tp.shape == (7,)


def test_any_order_and_any_split_gives_the_same_bits():
    samples = list(images(9).items())
    expected = counted(samples)
    rng = np.random.default_rng(1)
    for _ in range(5):
        shuffled = [samples[i] for i in rng.permutation(len(samples))]
        parts = [counted(shuffled[k::3]) for k in range(3)]
        merged = parts[0]
        for part in parts[1:]:
            merged.merge(pickle.loads(pickle.dumps(part)))  # as it comes from another process
        assert merged.names == expected.names
        total, same = expected.total(), merged.total()
        assert np.array_equal(total.confusion, same.confusion)
        for a, b in zip(total.instances, same.instances, strict=True):
            assert a.tobytes() == b.tobytes()
        assert semantic_scores(merged, CITYSCAPES) == semantic_scores(expected, CITYSCAPES)


def test_order_would_matter_without_sorting():
    """The weighted sums are floats: this order changes their last bits unless sums are taken by name."""
    found = [counts.instances.tp for counts in counted(images(9).items()).images.values()]
    sums = {sum(found[i] for i in order).tobytes() for order in itertools.islice(itertools.permutations(range(9)), 500)}
    assert len(sums) > 1


def test_no_image_counts_twice():
    sample = image(np.random.default_rng(0))
    counts = counted([("a", sample), ("b", sample)])
    with pytest.raises(DataError, match='"b" was counted before'):
        counts.add("b", *sample)
    with pytest.raises(DataError, match='"a" was counted before'):
        counts.merge(counted([("c", sample), ("a", sample)]))
    assert counts.names == ["a", "b"]


def test_instances_for_all_images_or_none():
    labels, prediction, instances = image(np.random.default_rng(0))
    counts = counted([("a", (labels, prediction, instances))])
    with pytest.raises(DataError, match='"b": some images come with instance numbers'):
        counts.add("b", labels, prediction)
    with pytest.raises(DataError, match="some images come with instance numbers"):
        counts.merge(counted([("b", (labels, prediction))]))
    counts.merge(SemanticCounts(CITYSCAPES))
    assert len(counts) == 1


def test_unlike_counts_are_not_merged():
    with pytest.raises(DataError, match='"camvid" can\'t be added to counts of "cityscapes"'):
        SemanticCounts(CITYSCAPES).merge(SemanticCounts(CAMVID))
    with pytest.raises(DataError, match="different average sizes"):
        SemanticCounts(CITYSCAPES).merge(SemanticCounts(CITYSCAPES, {"person": 1.0}))


@pytest.mark.parametrize("with_instances", [True, False])
def test_file_round_trip(tmp_path, with_instances):
    samples = [(name, sample if with_instances else sample[:2]) for name, sample in images(4).items()]
    counts = counted(reversed(samples))
    path = tmp_path / "confusion.npz"
    counts.save(path)
    counts.save(path)  # replaces
    assert [p.name for p in tmp_path.iterdir()] == ["confusion.npz"]
    with np.load(path) as file:
        assert file["names"].tolist() == ["0000", "0001", "0002", "0003"]
        assert file["confusion"].shape == (4, 20, 20)
        assert file["confusion"].dtype == np.int64
        assert ("instance_tp" in file) == with_instances
        if with_instances:
            assert file["instance_fn"].shape == (4, 19)
            assert file["category_instance_tp"].shape == (4, 7)
    loaded = SemanticCounts.load(path)
    assert loaded.label_space == CITYSCAPES
    assert semantic_scores(loaded, CITYSCAPES) == semantic_scores(counts, CITYSCAPES)
    assert loaded.names == counts.names


def test_counting_goes_on_after_loading(tmp_path):
    samples = list(images(4).items())
    sizes = {"person": 10.0, "rider": 20.0}
    first, all_at_once = SemanticCounts(CITYSCAPES, sizes), SemanticCounts(CITYSCAPES, sizes)
    for name, sample in samples[:2]:
        first.add(name, *sample)
    first.save(tmp_path / "confusion.npz")
    resumed = SemanticCounts.load(tmp_path / "confusion.npz")
    for name, sample in samples[2:]:
        resumed.add(name, *sample)
    for name, sample in samples:
        all_at_once.add(name, *sample)
    assert semantic_scores(resumed, CITYSCAPES) == semantic_scores(all_at_once, CITYSCAPES)


def test_empty_counts(tmp_path):
    SemanticCounts(CAMVID).save(tmp_path / "confusion.npz")
    counts = SemanticCounts.load(tmp_path / "confusion.npz")
    assert len(counts) == 0
    scores = semantic_scores(counts, CAMVID)
    assert scores.means["mean_iou"] is None
    assert scores.means["pixel_accuracy"] is None


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "confusion.npz"
    counts = counted(images(2).items())
    counts.save(path)
    before = path.read_bytes()

    def fail(path, *_):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(counts_file, "write", fail)
    with pytest.raises(OSError, match="disk full"):
        counts.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["confusion.npz"]


def test_files_that_are_no_counts(tmp_path):
    path = tmp_path / "confusion.npz"
    with pytest.raises(RunError, match="there is no such file"):
        SemanticCounts.load(path)
    np.savez(path, names=np.array(["a"]))
    with pytest.raises(RunError, match="expected confusion counts"):
        SemanticCounts.load(path)
    for content in (b"", b"PK\x03\x04 damaged", json.dumps({}).encode()):
        path.write_bytes(content)
        with pytest.raises(RunError, match="damaged"):
            SemanticCounts.load(path)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(RunError, match="expected confusion counts"):
        SemanticCounts.load(path)


def test_damaged_counts(tmp_path):
    path = tmp_path / "confusion.npz"
    counted(images(3).items()).save(path)
    whole, scores, refused = path.read_bytes(), semantic_scores(SemanticCounts.load(path), CITYSCAPES), 0
    for place in range(0, len(whole), len(whole) // 80):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert semantic_scores(SemanticCounts.load(path), CITYSCAPES) == scores  # a byte without meaning, a date
        except RunError:
            refused += 1
    assert refused > 40
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match="damaged"):
        SemanticCounts.load(path)
    path.write_bytes(whole)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, "confusion": arrays["confusion"][:, 1:, 1:]})
    with pytest.raises(RunError, match="expected confusion counts"):
        SemanticCounts.load(path)


def test_total_of_one_image_is_its_counts():
    counts = counted(images(1).items())
    only = counts.images["0000"]
    assert isinstance(only, ImageCounts)
    assert np.array_equal(counts.total().confusion, only.confusion)
    assert only.confusion.sum() == 30 * 40


DAMAGE = {
    "names": [np.arange(3), np.array("a"), np.array(["a", "a", "b"])],
    "confusion": [
        np.zeros((3, 2, 2), np.int64),
        np.zeros((3, 12, 12)),
        np.full((3, 12, 12), -1),
        np.zeros(0, np.int64),
    ],
    "object_pixels": [np.zeros(3), np.zeros(11, np.int64)],
    "label_space": [np.array("{}"), np.array(7), np.array("[" * 100_000)],
    "objects": [np.zeros((2, 4), np.int64)],
    "truth": [np.zeros(3)],
}


@pytest.mark.parametrize(("key", "i"), [(key, i) for key, values in DAMAGE.items() for i in range(len(values))])
def test_arrays_of_another_kind_are_refused(tmp_path, key, i):
    counts = SemanticCounts(CAMVID)
    for name in "abc":
        counts.add(name, np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8))
    counts.save(tmp_path / "c.npz")
    assert SemanticCounts.load(tmp_path / "c.npz").names == ["a", "b", "c"]
    np.savez(tmp_path / "c.npz", **(dict(np.load(tmp_path / "c.npz")) | {key: DAMAGE[key][i]}))
    with pytest.raises((RunError, DataError), match=r"c\.npz: expected .*(Evaluate again|labels\.json)"):
        SemanticCounts.load(tmp_path / "c.npz")
