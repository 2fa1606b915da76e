import json

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.datasets.ade20k import CLASSES, LABEL_SPACE, from_full_release
from sceneseg.errors import DataError


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(pixels, np.uint8)).save(path)


def test_the_table():
    assert len(LABEL_SPACE) == len(set(LABEL_SPACE.names)) == 150
    assert LABEL_SPACE.names[:3] == ["wall", "building", "sky"]
    assert sum(len(row.full_release) for row in CLASSES) == 153
    assert LABEL_SPACE.encode(np.array([[0, 1, 150]], np.uint8)).tolist() == [[255, 0, 149]]


def test_the_challenge(tmp_path):
    write(tmp_path / "images/training/ADE_train_1.jpg", np.zeros((2, 2, 3)))
    write(tmp_path / "annotations/training/ADE_train_1.png", [[0, 1], [2, 150]])
    assert datasets.create("ade20k", root=tmp_path).read(0).labels.tolist() == [[255, 0], [1, 149]]
    write(tmp_path / "release_test/testing/ADE_test_1.jpg", np.zeros((2, 2, 3)))
    assert not datasets.create("ade20k", root=tmp_path, split="test").has_labels
    with pytest.raises(DataError, match="neither images/validation nor images/ADE/validation"):
        datasets.create("ade20k", root=tmp_path, split="val")
    write(tmp_path / "images/training/ADE_train_2.jpg", np.zeros((2, 2, 3)))
    with pytest.raises(DataError, match=r"labels of ADE_train_2\.jpg are missing"):
        datasets.create("ade20k", root=tmp_path)
    with pytest.raises(DataError, match="no release_test/testing"):
        datasets.create("ade20k", root=tmp_path / "images" / "training", split="test")


def test_the_full_release(tmp_path):
    building, sky = 312, 2420
    pixels = [[(building // 256 * 10, building % 256, 5), (sky // 256 * 10, sky % 256, 9)], [(0, 0, 0), (10, 0, 1)]]
    write(tmp_path / "images/ADE/training/urban/street/ADE_train_1.jpg", np.zeros((2, 2, 3)))
    write(tmp_path / "images/ADE/training/urban/street/ADE_train_1_seg.png", pixels)
    write(tmp_path / "images/ADE/training/urban/street/ADE_train_1_parts_1.png", pixels)
    dataset = datasets.create("ade20k", root=tmp_path)
    assert len(dataset) == 1
    assert dataset.read(0).labels.tolist() == [[1, 2], [255, 255]]


def test_the_real_challenge(shared_data):
    dataset = datasets.create("ade20k", root=shared_data / "ADEChallengeData2016", split="val")
    stats = json.loads((shared_data / "ade_stats.json").read_text())["SceneParse150"]
    for i, files in enumerate(dataset.files):
        counts = np.bincount(dataset.read(i).labels.ravel(), minlength=256)
        for key, pixels in stats[files.labels.name].items():
            number = int(key.split(":")[0])
            assert counts[number - 1 if number else 255] == pixels


def test_the_real_full_release_becomes_the_challenge(shared_data):
    folder = shared_data / "ade_full_to_150"
    with Image.open(folder / "ADE_train_00000970_raw.png") as raw:
        ids = from_full_release(np.array(raw))
    with Image.open(folder / "ADE_train_00000970_challenge.png") as challenge:
        expected = np.array(challenge)
    small = Image.fromarray(ids).resize(expected.shape[::-1], Image.Resampling.NEAREST)
    assert np.array_equal(np.array(small), expected)
    dataset = datasets.create("ade20k", root=shared_data / "ADE20K_2021_17_01")
    assert [f.name for f in dataset.files] == ["ADE_train_00016869", "ADE_train_00016964"]
    assert dataset.read(0).labels.shape == (1536, 2048)
