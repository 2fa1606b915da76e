import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.errors import DataError


@pytest.fixture
def root(tmp_path):
    for i in range(10):
        for folder, pixels in (
            ("image_2", np.full((2, 3, 3), i, np.uint8)),
            ("semantic", np.array([[7, 26, 26], [0, 26, 23]], np.uint8)),
            ("instance", np.array([[7 * 256, 26 * 256 + 1, 26 * 256 + 2], [0, 26 * 256, 0]], np.uint16)),
        ):
            path = tmp_path / "training" / folder / f"{i:06}_10.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    (tmp_path / "testing" / "image_2").mkdir(parents=True)
    Image.new("RGB", (3, 2)).save(tmp_path / "testing" / "image_2" / "000000_10.png")
    return tmp_path


def test_label_ids_are_those_of_cityscapes_and_instances_are_not(root):
    scene = datasets.create("kitti_semantic", root=root).read(0, with_instances=True)
    assert scene.labels.tolist() == [[0, 13, 13], [255, 13, 10]]
    assert scene.instances.tolist() == [[0, 26 * 256 + 1, 26 * 256 + 2], [0, 0, 0]]


def test_splits(root):
    sizes = {
        s: len(datasets.create("kitti_semantic", root=root, split=s)) for s in ("train", "val", "trainval", "test")
    }
    assert sizes == {"train": 8, "val": 2, "trainval": 10, "test": 1}
    assert not datasets.create("kitti_semantic", root=root, split="test").has_labels


def test_missing_parts_are_named(root):
    (root / "training" / "semantic" / "000003_10.png").unlink()
    with pytest.raises(DataError, match=r"labels of 000003_10\.png are missing\. Unpack data_semantics\.zip"):
        datasets.create("kitti_semantic", root=root)
    with pytest.raises(DataError, match="no training/image_2"):
        datasets.create("kitti_semantic", root=root / "testing")
