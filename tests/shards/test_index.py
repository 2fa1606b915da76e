"""An index that was damaged, or that somebody else wrote."""

import json

import pytest

from sceneseg import datasets
from sceneseg.datasets.packed import Packed
from sceneseg.errors import DataError
from sceneseg.packing.pack import pack


@pytest.fixture(scope="module")
def packed(toy_root, tmp_path_factory):
    out = tmp_path_factory.mktemp("pack")
    pack(datasets.create("cityscapes", root=toy_root), out, "webdataset")
    return out


def scene(index):
    return index["shards"][0]["scenes"][0]


DAMAGE = {
    "a place far away": lambda i: scene(i)["place"].update(image=[2**40, 10]),
    "a negative place": lambda i: scene(i)["place"].update(image=[-5, 10]),
    "a place in words": lambda i: scene(i)["place"].update(image=["0", 10]),
    "no place": lambda i: scene(i)["place"].pop("image"),
    "a height of 0": lambda i: scene(i).update(height=0),
    "a huge width": lambda i: scene(i).update(width=2**70),
    "parts of another kind": lambda i: scene(i)["sha256"].update(depth="0"),
    "no image": lambda i: scene(i)["sha256"].pop("image"),
    "a name that is a number": lambda i: scene(i).update(name=7),
    "a file elsewhere": lambda i: i["shards"][0].update(file="../../x.tar"),
    "no scenes": lambda i: i.update(shards=[]),
    "a list as the format": lambda i: i.update(format=["webdataset"]),
    "another format": lambda i: i.update(format="tfrecord"),
    "colors beyond a byte": lambda i: i["label_space"]["classes"][0].update(color=[0, 0, 256]),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_index_is_refused(packed, name):
    file = packed / "train" / "pack.json"
    whole = file.read_text()
    index = json.loads(whole)
    DAMAGE[name](index)
    file.write_text(json.dumps(index))
    try:
        with pytest.raises(DataError, match=r"pack\.json|webdataset|00000"):
            Packed(packed).read(0)
    finally:
        file.write_text(whole)
    assert Packed(packed).read(0).image.ndim == 3
