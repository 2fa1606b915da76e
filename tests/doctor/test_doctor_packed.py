"""Packs are examined by their index and their pixels, not as the images that they aren't."""

import numpy as np
import pytest

from sceneseg import datasets
from sceneseg.doctor import diagnose, quick_check, repair
from sceneseg.doctor import diagnosis as examination
from sceneseg.errors import DataError
from sceneseg.packing import pack
from sceneseg.shards.index import CONTAINERS


@pytest.fixture(params=CONTAINERS)
def packed(request, toy_root, tmp_path):
    for split in ("train", "val"):
        pack.pack(datasets.create("cityscapes", root=toy_root, split=split), tmp_path / "pack", request.param, 1)
    return tmp_path / "pack"


def splits(root):
    return [datasets.create("packed", root=root, split=split) for split in ("train", "val")]


def test_a_healthy_pack_has_nothing(packed):
    assert quick_check(*splits(packed)) == []
    assert diagnose("packed", packed, options={}).findings == []


def test_nothing_is_decoded_at_a_glance_but_some_labels(packed, monkeypatch):
    train, val = splits(packed)
    monkeypatch.setattr(examination, "SMALL", 0)
    monkeypatch.setattr(type(train), "check", lambda *_: pytest.fail("pixels were read"))
    assert quick_check(train, val) == []


def test_a_scene_in_two_splits(packed, toy_root):
    kind = datasets.create("packed", root=packed, split="train").pack.format
    whole = datasets.create("cityscapes", root=toy_root, split="train")
    whole.split = "val"
    pack.pack(whole, packed / "twice", kind, 1)
    (packed / "val").rename(packed / "old")
    (packed / "twice" / "val").rename(packed / "val")
    with pytest.raises(DataError, match=r"(?s)shared-images: 9 images are in more than one.*data doctor.*packed"):
        quick_check(*splits(packed))


def test_a_damaged_shard(packed):
    shard = next(path for path in (packed / "train").iterdir() if path.suffix != ".json")
    content = np.fromfile(shard, np.uint8)
    content[content.size // 2 : content.size // 2 + 200] ^= 0x55
    content.tofile(shard)
    findings = diagnose("packed", packed).findings
    assert "unreadable" in [f.kind for f in findings if f.severity == "error"]


def test_repairing_is_for_what_was_packed(packed, tmp_path):
    with pytest.raises(DataError, match="repair the one it was made from"):
        repair(diagnose("packed", packed), tmp_path / "out")
