import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.datasets.kitti_road import decode_colors
from sceneseg.errors import DataError

RED, ROAD, BLACK = (255, 0, 0), (255, 0, 255), (0, 0, 0)


def write_png(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(pixels, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path):
    for i in range(5):
        for kind in ("um", "umm", "uu"):
            name = f"{i:06}.png"
            write_png(tmp_path / "training/image_2" / f"{kind}_{name}", np.full((2, 3, 3), 90))
            truth = [[ROAD, RED, BLACK], [ROAD, RED, (0, 0, 255)]]
            write_png(tmp_path / "training/gt_image_2" / f"{kind}_road_{name}", truth)
        write_png(tmp_path / "training/gt_image_2" / f"um_lane_{name}", [[ROAD] * 3, [RED] * 3])
    write_png(tmp_path / "testing/image_2/umm_000000.png", np.zeros((2, 3, 3)))
    return tmp_path


def test_what_isnt_evaluated_is_void_not_background(root):
    dataset = datasets.create("kitti_road", root=root)
    assert dataset.label_space.names == ["road", "other"]
    assert dataset.read(0).labels.tolist() == [[0, 1, 255], [0, 1, 255]]


def test_splits(root):
    names = {s: [f.name for f in datasets.create("kitti_road", root=root, split=s).files] for s in ("train", "val")}
    assert names["val"] == ["um_000004", "umm_000004", "uu_000004"]
    assert len(names["train"]) == 12
    assert len(datasets.create("kitti_road", root=root, split="trainval")) == 15
    assert not datasets.create("kitti_road", root=root, split="test").has_labels
    assert len(datasets.create("kitti_road", root=root, kinds=["uu"])) == 4


def test_lanes(root):
    lanes = datasets.create("kitti_road", root=root, target="lane", split="trainval")
    assert [f.labels.name for f in lanes.files] == [f"um_lane_{i:06}.png" for i in range(5)]
    assert lanes.label_space.names == ["lane", "other"]
    assert lanes.read(0).labels.tolist() == [[0, 0, 0], [1, 1, 1]]


def test_mistakes(root):
    with pytest.raises(DataError, match='"road" or "lane", found "lanes"'):
        datasets.create("kitti_road", root=root, target="lanes")
    with pytest.raises(DataError, match='no streets of kind "umn".*Did you mean "um'):
        datasets.create("kitti_road", root=root, kinds=["umn"])
    with pytest.raises(DataError, match=r"found 1 pixels of colors .* first \(0, 128, 0\)"):
        decode_colors(np.array([[(0, 128, 0), RED]], np.uint8), "a.png")
    (root / "training/gt_image_2/um_road_000000.png").unlink()
    with pytest.raises(DataError, match=r"labels of um_000000\.png are missing\. Unpack data_road\.zip"):
        datasets.create("kitti_road", root=root)
    with pytest.raises(DataError, match="no training/image_2"):
        datasets.create("kitti_road", root=root / "training")


def test_the_real_pair(shared_data):
    for target, counts in (("road", (61316, 398964, 5470)), ("lane", (30843, 429437, 5470))):
        dataset = datasets.create("kitti_road", root=shared_data / "kitti_road", split="trainval", target=target)
        found = np.bincount(dataset.read(0).labels.ravel(), minlength=256)
        assert (found[0], found[1], found[255]) == counts
