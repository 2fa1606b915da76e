"""Counting predictions that lie in files: as counting scenes, but without the images, and in threads."""

import shutil

import cv2
import numpy as np
import pytest

from sceneseg import datasets
from sceneseg.errors import DataError
from sceneseg.evaluation.counting import count_files, count_scene
from sceneseg.metrics.confusion import SemanticCounts


@pytest.fixture
def scenes(toy_root):
    return datasets.create("cityscapes", root=toy_root, split="train")


@pytest.fixture
def predictions(scenes, tmp_path):
    """Shifted label ids of every scene."""
    for i, files in enumerate(scenes.files):
        shifted = np.roll(scenes.label_space.decode(scenes.read_labels(i)), (2, 5), (0, 1))
        assert cv2.imwrite(str(tmp_path / f"{files.name}_labelIds.png"), shifted)
    return tmp_path


def test_the_counts_are_those_of_the_scenes(scenes, predictions):
    expected = SemanticCounts(scenes.label_space)
    for i in range(len(scenes)):
        scene = scenes.read(i, with_instances=True)
        shifted = cv2.imread(str(predictions / f"{scene.name}_labelIds.png"), cv2.IMREAD_UNCHANGED)
        count_scene(expected, scene, scenes.label_space.encode(shifted))
    told = []
    found = count_files(predictions, scenes, lambda done, total: told.append((done, total)))
    assert sorted(told) == [(done, len(scenes)) for done in range(1, len(scenes) + 1)]
    assert found.names == expected.names
    for name in found.names:
        np.testing.assert_array_equal(found.images[name].confusion, expected.images[name].confusion)
        np.testing.assert_array_equal(found.images[name].objects, expected.images[name].objects)


def test_instances_can_be_left_out(scenes, predictions):
    found = count_files(predictions, scenes, with_instances=False)
    assert found.total().instances is None
    np.testing.assert_array_equal(found.total().confusion, count_files(predictions, scenes).total().confusion)


def test_images_are_not_read(scenes, predictions, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(scenes.root, root)
    for file in (root / "leftImg8bit").rglob("*.png"):
        file.write_bytes(b"")
    found = count_files(predictions, datasets.create("cityscapes", root=root, split="train"))
    assert len(found) == len(scenes)


def test_a_missing_prediction_is_named(scenes, predictions):
    (predictions / f"{scenes.files[3].name}_labelIds.png").unlink()
    with pytest.raises(DataError, match=f"no prediction for {scenes.files[3].name}"):
        count_files(predictions, scenes)


def test_another_size_is_refused(scenes, predictions):
    cv2.imwrite(str(predictions / f"{scenes.files[0].name}_labelIds.png"), np.zeros((32, 64), np.uint8))
    with pytest.raises(DataError, match="32 x 64 but its truth is 64 x 128"):
        count_files(predictions, scenes)


def test_two_predictions_of_one_name_are_both_named(scenes, predictions):
    """An older run below the folder must not win silently."""
    name = f"{scenes.files[3].name}_labelIds.png"
    (predictions / "zz_old").mkdir()
    shutil.copy(predictions / name, predictions / "zz_old" / name)
    with pytest.raises(DataError, match=f"Which is the prediction.*{name} or .*zz_old/{name}"):
        count_files(predictions, scenes)
    (predictions / "zz_old" / name).rename(predictions / "zz_old" / "other.png")
    assert len(count_files(predictions, scenes)) == len(scenes)


def test_predictions_in_linked_folders(scenes, predictions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("linking")
    (folder / "berlin").symlink_to(predictions)
    (folder / "berlin" / "self").symlink_to(predictions)
    assert len(count_files(folder, scenes)) == len(scenes)
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        count_files(folder / "nowhere", scenes)
