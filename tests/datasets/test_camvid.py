import json

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.datasets.statistics import class_weights, count_classes
from sceneseg.errors import ConfigError, DataError


@pytest.fixture
def tiny(tmp_path):
    for part in ("train", "val"):
        (tmp_path / part).mkdir()
        (tmp_path / f"{part}annot").mkdir()
        labels = np.array([[0, 1, 11], [3, 3, 3]], np.uint8)
        Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(tmp_path / part / f"{part}_a.png")
        Image.fromarray(labels).save(tmp_path / f"{part}annot" / f"{part}_a.png")
    return tmp_path


def test_reads_void_as_255(tiny):
    scene = datasets.create("camvid", root=tiny).read(0)
    assert scene.labels.tolist() == [[0, 1, 255], [3, 3, 3]]
    assert scene.instances is None


def test_trainval_is_both(tiny):
    assert [f.name for f in datasets.create("camvid", root=tiny, split="trainval").files] == ["train_a", "val_a"]


def test_missing_parts_are_named(tiny):
    (tiny / "trainannot" / "train_a.png").unlink()
    with pytest.raises(DataError, match="the labels of train_a.png are missing"):
        datasets.create("camvid", root=tiny)
    with pytest.raises(DataError, match="no test with testannot"):
        datasets.create("camvid", root=tiny, split="test")


def test_weights_of_a_tiny_set(tiny):
    counts = count_classes(datasets.create("camvid", root=tiny))
    assert counts.pixels.tolist() == [1, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1]
    assert class_weights(counts, "inverse")[:4] == [5.0, 5.0, 0.0, pytest.approx(5 / 3)]
    with pytest.raises(ConfigError, match='Did you mean "median"'):
        class_weights(counts, "medain")


def test_the_real_set(shared_data):
    root = shared_data / "camvid"
    expected = json.loads((root / "stats.json").read_text())
    for split, images in (("train", 367), ("val", 101), ("test", 233)):
        assert len(datasets.create("camvid", root=root, split=split)) == images
    val = count_classes(datasets.create("camvid", root=root, split="val"))
    assert val.pixels.tolist() == list(expected["val"]["pixels"].values())


@pytest.mark.slow
def test_class_weights_of_the_real_set(shared_data):
    counts = count_classes(datasets.create("camvid", root=shared_data / "camvid"))
    median = [0.2793, 0.2017, 4.7865, 0.1490, 1.0, 0.4217, 3.8467, 1.9736, 0.7889, 6.3747, 8.8587]
    enet = [5.6035, 4.2953, 33.5736, 3.3355, 15.4856, 8.7387, 31.5420, 32.0120, 12.8288, 38.0141, 43.9074]
    assert class_weights(counts, "median") == pytest.approx(median, abs=1e-4)
    assert class_weights(counts, "enet") == pytest.approx(enet, abs=1e-3)
