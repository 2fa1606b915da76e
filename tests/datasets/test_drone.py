import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.datasets.drone import LABEL_SPACE
from sceneseg.errors import DataError


def write(folder, count=5, label=1):
    for name, suffix, pixels in (
        ("original_images", ".jpg", np.zeros((2, 3, 3), np.uint8)),
        ("label_images_semantic", ".png", np.array([[0, label, 23], [2, 22, 15]], np.uint8)),
    ):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(pixels).save(folder / name / f"{i * 3:03}{suffix}")


@pytest.mark.parametrize("inside", ["", "semantic_drone_dataset", "dataset/semantic_drone_dataset"])
def test_reads_what_people_unpack(tmp_path, inside):
    write(tmp_path / inside)
    train, val = (datasets.create("drone", root=tmp_path, split=split) for split in ("train", "val"))
    assert [f.name for f in train.files] == ["000", "003", "006", "009"]
    assert [f.name for f in val.files] == ["012"]
    assert train.read(0).labels.tolist() == [[255, 0, 255], [1, 21, 14]]


def test_missing_parts_are_named(tmp_path):
    with pytest.raises(DataError, match="there is no original_images"):
        datasets.create("drone", root=tmp_path)
    write(tmp_path)
    (tmp_path / "label_images_semantic" / "003.png").unlink()
    with pytest.raises(DataError, match=r"labels of 003\.jpg are missing"):
        datasets.create("drone", root=tmp_path)


def test_the_table_is_the_official_one(shared_data):
    rows = (shared_data / "semantic_drone" / "class_dict_seg.csv").read_text().splitlines()[1:]
    by_id = {c.label_ids[0]: c for c in LABEL_SPACE.classes}
    for number, row in enumerate(rows):
        name, *color = (cell.strip() for cell in row.split(","))
        if number in LABEL_SPACE.void_ids:
            assert name in {"unlabeled", "conflicting"}
        else:
            assert (by_id[number].name, by_id[number].color) == (name, tuple(map(int, color)))


def test_real_pairs(shared_data):
    dataset = datasets.create("drone", root=shared_data / "semantic_drone_small_derived", split="trainval")
    counts = np.bincount(dataset.read(0).labels.ravel(), minlength=256)
    assert (counts[0], counts[21], counts[255]) == (488086, 12068, 1274)
