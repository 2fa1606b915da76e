"""Each scene of a split has a name of its own, in every data set; healthy sets keep the names that they have."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.datasets.base import FileListError, SceneFiles
from sceneseg.datasets.cityscapes import Cityscapes
from sceneseg.doctor import diagnose, repair
from sceneseg.errors import DataError
from sceneseg.packing.pack import pack, unpack
from sceneseg.shards.index import INDEX


def write(root, *names, split="val"):
    for name in names:
        for kind, size in (("images", (2, 3, 3)), ("masks", (2, 3))):
            file = root / kind / split / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros(size, np.uint8)).save(file)
    (root / "data.yaml").write_text("names: [road, car]\n")


def names(root, split="val"):
    return [f.name for f in datasets.create("folder", root=root, split=split).files]


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        (["a/x", "b/y"], ["x", "y"]),
        (["a/x", "b/x"], ["images_val_a_x", "images_val_b_x"]),
        (["a/b_c", "a_b/c", "x/s", "y/s"], ["images__val__a__b_c", "images__val__a_b__c"]),
    ],
)
def test_the_shortest_names_that_differ(tmp_path, stems, expected):
    write(tmp_path, *stems)
    found = names(tmp_path)
    assert found[: len(expected)] == expected
    assert len(set(found)) == len(stems)


def test_names_that_no_separator_tells_apart(tmp_path):
    write(tmp_path, "a_/x", "a/_x", "a/x", "a__x", "y/x")
    with pytest.raises(DataError, match="have one name in the val split"):
        names(tmp_path)


def test_lists_of_equal_stems_and_other_endings(tmp_path):
    write(tmp_path, "a", "b")
    Image.new("RGB", (3, 2)).save(tmp_path / "images" / "val" / "a.jpg")
    lines = ["images/val/a.png masks/val/a.png", "images/val/a.jpg masks/val/b.png"]
    (tmp_path / "val.txt").write_text("\n".join(lines))
    (tmp_path / "data.yaml").write_text("names: [road, car]\nval: val.txt\n")
    assert names(tmp_path) == ["images__val__a.png", "images__val__a.jpg"]


def test_two_endings_of_a_stem(tmp_path):
    """With one mask for both they are refused; without masks they are two images."""
    write(tmp_path, "a", "b")
    write(tmp_path, "a", split="train")
    (tmp_path / "images" / "test").mkdir()
    for split in ("val", "test"):
        for ending in (".png", ".jpg"):
            Image.new("RGB", (3, 2)).save(tmp_path / "images" / split / f"a{ending}")
    with pytest.raises(DataError, match=r"a\.png and a\.jpg have one stem, so one mask belongs to both"):
        names(tmp_path)
    assert names(tmp_path, "test") == ["images__test__a.jpg", "images__test__a.png"]


@pytest.mark.parametrize("again", ["images/val/a.png", "./images/val/a.png", "images/train/../val/a.png"])
def test_an_image_that_a_list_repeats(tmp_path, again):
    write(tmp_path, "a", "b")
    write(tmp_path, "c", split="train")
    for split in ("val", "train"):
        (tmp_path / f"{split}.txt").write_text(f"images/val/a.png\nimages/val/b.png\n{again}\n")
    (tmp_path / "data.yaml").write_text("names: [road, car]\nval: val.txt\ntrain: train.txt\n")
    assert names(tmp_path, "train") == ["a", "b", "a-2"]
    with pytest.raises(FileListError, match=r'a\.png: the image "a" is 2 times in the val split.*Leave it in once'):
        names(tmp_path)


def test_repairing_leaves_the_second_out(tmp_path):
    write(tmp_path / "set", "a", "b")
    (tmp_path / "set" / "val.txt").write_text("images/val/a.png\nimages/val/a.png\nimages/val/b.png\n")
    (tmp_path / "set" / "data.yaml").write_text("names: [road, car]\nval: val.txt\n")
    diagnosis = diagnose("folder", tmp_path / "set", ["val"])
    assert "repeated-names" in {finding.kind for finding in diagnosis.errors}
    assert repair(diagnosis, tmp_path / "out").pairs == 2
    assert names(tmp_path / "out") == ["a", "b"]


def test_every_data_set_is_checked(toy_root):
    city = datasets.create("cityscapes", root=toy_root, split="val").files[0].image.parent.name
    with pytest.raises(DataError, match="times in the val split"):
        datasets.create("cityscapes", root=toy_root, split="val", cities=[city, city])

    class Colliding(Cityscapes):
        def find(self):
            return [SceneFiles("one", item.image, item.labels) for item in super().find()]

    with pytest.raises(DataError, match=r"_leftImg8bit\.png and .*_leftImg8bit\.png have one name in the train split"):
        Colliding(toy_root, "train")


def test_drone_images_with_two_endings(tmp_path):
    for folder, name in (
        ("original_images", "a.jpg"),
        ("original_images", "a.png"),
        ("label_images_semantic", "a.png"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        Image.new("RGB" if folder[0] == "o" else "L", (3, 2)).save(tmp_path / folder / name)
    with pytest.raises(DataError, match=r"a\.jpg and .*a\.png have one name in the trainval split"):
        datasets.create("drone", root=tmp_path, split="trainval")


@pytest.mark.parametrize("format", ["safetensors", "tfrecord", "webdataset"])
def test_packs(tmp_path, format):
    """A repeated training image is packed under its number; a pack with equal names isn't opened."""
    write(tmp_path, "a", "b", split="train")
    (tmp_path / "train.txt").write_text("images/train/a.png\nimages/train/b.png\nimages/train/a.png\n")
    (tmp_path / "data.yaml").write_text("names: [road, car]\ntrain: train.txt\n")
    dataset = datasets.create("folder", root=tmp_path, split="train")
    pack(dataset, tmp_path / "pack", format)
    packed = datasets.create("packed", root=tmp_path / "pack", split="train")
    assert [f.name for f in packed.files] == ["a", "b", "a-2"]
    unpack(packed, tmp_path / "unpacked")
    assert len(list((tmp_path / "unpacked" / "images" / "train").iterdir())) == 3
    dataset.files = [dataclasses.replace(files, name="a") for files in dataset.files]
    with pytest.raises(DataError, match="several scenes are called a"):
        pack(dataset, tmp_path / "other", format)
    index = tmp_path / "pack" / "train" / INDEX
    content = json.loads(index.read_text())
    content["shards"][0]["scenes"][1]["name"] = "a"
    index.write_text(json.dumps(content))
    with pytest.raises(DataError, match="two scenes have one name"):
        datasets.create("packed", root=tmp_path / "pack", split="train")
