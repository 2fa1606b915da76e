import io
import json
import pickle
import struct
import subprocess
import sys
import tarfile
import zlib
from hashlib import sha256
from shutil import copytree

import cv2
import numpy as np
import pytest
from safetensors import SafetensorError, safe_open

from picture_kinds import png
from sceneseg import datasets
from sceneseg.datasets.base import Scene, SceneDataset, SceneFiles, read_ids, read_image
from sceneseg.datasets.packed import Packed
from sceneseg.errors import DataError
from sceneseg.labels import LabelClass, LabelSpace
from sceneseg.packing import pack as packing
from sceneseg.packing.pack import pack, unpack
from sceneseg.shards.index import INDEX, UNFINISHED, container, decode_png
from sceneseg.shards.tfrecord import decode_example, read_records
from sceneseg.transforms.geometry import Window, cut

FORMATS = ["safetensors", "tfrecord", "webdataset"]


@pytest.fixture(scope="module")
def toy(toy_root):
    return datasets.create("cityscapes", root=toy_root, split="train")


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(packing, "SHARD_SCENES", 3)


def equal(a, b):
    return all(
        (x is None and y is None) or (x.dtype == y.dtype and np.array_equal(x, y))
        for x, y in ((a.image, b.image), (a.labels, b.labels), (a.instances, b.instances))
    )


def shard(root, number, split="train"):
    return sorted(p for p in (root / split).iterdir() if p.suffix != ".json")[number]


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("format", FORMATS)
def test_every_pixel_comes_back(toy, tmp_path, format):
    assert pack(toy, tmp_path, format, threads=2) == len(toy)
    packed = datasets.create("packed", root=tmp_path, split="train")
    assert (packed.name, packed.split, packed.label_space) == (toy.name, toy.split, toy.label_space)
    assert [files.name for files in packed.files] == [files.name for files in toy.files]
    assert packed.has_labels
    for i in range(len(toy)):
        assert equal(packed.read(i, with_instances=True), toy.read(i, with_instances=True))
    assert packed.read(0).instances is None
    assert np.array_equal(packed.read_labels(1), toy.read_labels(1))
    assert np.array_equal(packed.read_instances(1), toy.read_instances(1))
    packed.verify()

    unpack(packed, tmp_path / "pictures", threads=2)
    folder = datasets.create("folder", root=tmp_path / "pictures", split="train")
    for i in range(len(toy)):
        assert np.array_equal(folder.read(i).image, toy.read(i).image)
        assert np.array_equal(folder.read(i).labels, toy.read(i).labels)
        name = folder.files[i].name
        stored = read_ids(tmp_path / "pictures" / "instances" / "train" / f"{name}.png")
        assert np.array_equal(stored, toy.read_instances(i))


def test_a_split_without_labels(toy_root, tmp_path):
    test = datasets.create("cityscapes", root=toy_root, split="test")
    pack(test, tmp_path)
    packed = Packed(tmp_path, "test")
    assert not packed.has_labels
    assert packed.read(0).labels is None
    assert packed.read_labels(0) is None


def test_camvid_is_packed_as_its_files_are(shared_data, tmp_path):
    """Against hashes of the original pixels, made by another program."""
    camvid = datasets.create("camvid", root=shared_data / "camvid", split="test")
    camvid.files = camvid.files[:4]
    pack(camvid, tmp_path)
    unpack(Packed(tmp_path, "test"), tmp_path / "pictures")
    table = (shared_data / "camvid" / "pixel_sha256.tsv").read_text()
    for files in camvid.files:
        assert Packed(tmp_path, "test").pack.shards[0].scenes[0].sha256["image"] in table
        for part, reader in (("images", read_image), ("masks", read_ids)):
            pixels = reader(tmp_path / "pictures" / part / "test" / f"{files.name}.png")
            assert sha256(pixels.tobytes()).hexdigest() in table


def test_another_label_space(toy, tmp_path):
    pack(toy, tmp_path)
    packed = datasets.create("packed", root=tmp_path, split="train", label_space="categories")
    wanted = datasets.create("cityscapes", root=toy.root, split="train", label_space="categories")
    assert packed.label_space.names == wanted.label_space.names
    assert np.array_equal(packed.read(2).labels, wanted.read(2).labels)
    assert np.array_equal(packed.read_labels(2), wanted.read_labels(2))


def test_a_sample_reads_only_its_window(toy, tmp_path):
    """A cut from the mapped file has the bits of a cut from memory, and what lies outside it may as well be damaged."""
    pack(toy, tmp_path)
    scene = toy.read(0)
    window = Window((1.7, 1.7), 10.0, 20.0, True, (40, 60))
    whole = cut(scene.image, scene.labels, window)
    mapped = Packed(tmp_path, "train").read(0)
    assert isinstance(mapped.image.base, np.memmap)  # nothing was copied
    assert all(np.array_equal(a, b) for a, b in zip(cut(mapped.image, mapped.labels, window), whole, strict=True))
    mapped.image[40:] = 0  # rows below the window; the change stays in memory
    assert all(np.array_equal(a, b) for a, b in zip(cut(mapped.image, mapped.labels, window), whole, strict=True))
    assert not mapped.image[40:].any()
    Packed(tmp_path, "train").verify()


def test_goes_to_other_processes(toy, tmp_path):
    pack(toy, tmp_path)
    packed = Packed(tmp_path, "train")
    packed.read(0)
    sent = pickle.dumps(packed)
    assert len(sent) < 100_000
    assert equal(pickle.loads(sent).read(3), toy.read(3))


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("format", FORMATS)
def test_going_on_after_an_end_in_the_middle(toy, tmp_path, format, monkeypatch):
    pack(toy, tmp_path / "whole", format)
    kind = container(format)
    write, calls = kind.write, []

    def power_cut(path, *rest):
        write(path, *rest)
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(kind, "write", power_cut)
    with pytest.raises(KeyboardInterrupt):
        pack(toy, tmp_path / "b", format)
    files = sorted(p.name for p in (tmp_path / "b" / "train").iterdir())
    assert files == [f"00000{kind.SUFFIX}", UNFINISHED]  # the second shard didn't appear
    with pytest.raises(DataError, match="unfinished"):
        Packed(tmp_path / "b", "train")

    monkeypatch.setattr(kind, "write", write)
    assert pack(toy, tmp_path / "b", format) == len(toy) - 3
    whole, again = tmp_path / "whole" / "train", tmp_path / "b" / "train"
    assert {p.name: p.read_bytes() for p in whole.iterdir()} == {p.name: p.read_bytes() for p in again.iterdir()}
    assert pack(toy, tmp_path / "b", format) == 0


@pytest.mark.usefixtures("small_shards")
def test_a_killed_process_leaves_a_pack_to_go_on_with(toy, tmp_path):
    code = (
        "import os, sys\n"
        "from sceneseg import datasets\n"
        "from sceneseg.packing import pack as packing\n"
        "packing.SHARD_SCENES = 3\n"
        "dataset = datasets.create('cityscapes', root=sys.argv[1], split='train')\n"
        "packing.pack(dataset, packing.Path(sys.argv[2]), progress=lambda n: n == 5 and os.kill(os.getpid(), 9))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(toy.root), str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert pack(toy, tmp_path) == len(toy) - 3
    Packed(tmp_path, "train").verify()


@pytest.mark.usefixtures("small_shards")
def test_changed_sources_are_packed_again(toy_root, tmp_path):
    copytree(toy_root, tmp_path / "toy")
    dataset = datasets.create("cityscapes", root=tmp_path / "toy", split="train")
    pack(dataset, tmp_path / "out")
    Packed(tmp_path / "out", "train").read(4)
    picture = dataset.read(4).image
    picture[5, 5] = 7
    cv2.imwrite(str(dataset.files[4].image), picture[..., ::-1])
    assert pack(dataset, tmp_path / "out") == 3
    assert (Packed(tmp_path / "out", "train").read(4).image[5, 5] == 7).all()

    dataset.files = dataset.files[:4]
    pack(dataset, tmp_path / "out")
    assert len(Packed(tmp_path / "out", "train")) == 4
    assert not shard(tmp_path / "out", 1).with_name("00002.safetensors").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_another_set_in_the_same_place_is_refused(toy, tmp_path, format):
    pack(toy, tmp_path, format)
    other = next(f for f in FORMATS if f != format)
    with pytest.raises(DataError, match=f"holds cityscapes train as {format}.*not cityscapes train as {other}"):
        pack(toy, tmp_path, other)
    Packed(tmp_path, "train").verify()


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("damage", ["torn", "flipped", "gone", "zeroed"])
def test_damage_names_the_shard_and_packing_again_cures_it(toy, tmp_path, format, damage):
    pack(toy, tmp_path, format)
    path = shard(tmp_path, 1)
    content = bytearray(path.read_bytes())
    start, length = next(iter(Packed(tmp_path, "train").pack.shards[1].scenes[1].place.values()))
    if damage == "torn":
        path.write_bytes(content[:-7])
    elif damage == "gone":
        path.unlink()
    else:
        content[start + length // 2 : start + length // 2 + 8] = bytes(8)
        if damage == "flipped":
            content = bytearray(path.read_bytes())
            content[start + length // 2] ^= 4
        path.write_bytes(content)
    if damage in ("torn", "gone"):
        with pytest.raises(DataError, match=f"00001.*expected a shard of {len(content)} bytes"):
            Packed(tmp_path, "train")
    else:
        with pytest.raises(DataError, match=r"00001[^\n]*[Rr]emove (the file|it)"):
            Packed(tmp_path, "train").verify()
        with pytest.raises(DataError, match="00001"):
            unpack(Packed(tmp_path, "train"), tmp_path / "pictures")
        path.unlink()
    assert pack(toy, tmp_path, format) == 3
    Packed(tmp_path, "train").verify()


def test_a_damaged_index(toy, tmp_path):
    pack(toy, tmp_path)
    index = tmp_path / "train" / INDEX
    index.write_text(index.read_text()[:-20])
    with pytest.raises(DataError, match="pack.json: damaged"):
        Packed(tmp_path, "train")
    index.write_text('{"version": 99}')
    with pytest.raises(DataError, match="later version"):
        Packed(tmp_path, "train")


def test_a_picture_in_a_pack_that_claims_too_much(tmp_path):
    whole = bytearray(png(0, 8, []))
    whole[16:24] = struct.pack(">II", 40_000, 40_000)
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    with pytest.raises(DataError, match="the image of street can't be decoded"):
        decode_png("image", bytes(whole), tmp_path / "shard.tar", "street")


def test_wrong_folders_and_splits(toy, tmp_path):
    with pytest.raises(DataError, match=r"there is no train/pack.json.*found an empty folder"):
        Packed(tmp_path, "train")
    pack(toy, tmp_path)
    with pytest.raises(DataError, match=r'no split "trian". Did you mean "train"\? It has: train'):
        Packed(tmp_path, "trian")
    with pytest.raises(DataError, match='no pack format "webdatset". Did you mean "webdataset"'):
        pack(toy, tmp_path / "b", "webdatset")


def test_safetensors_describe_themselves(toy, tmp_path):
    pack(toy, tmp_path)
    with safe_open(shard(tmp_path, 0), "numpy") as file:
        facts = json.loads(file.metadata()["sceneseg_pack"])
        name = facts["scenes"][2]["name"]
        image = file.get_tensor(f"{name}.image")
    assert LabelSpace.from_dict(facts["label_space"]) == toy.label_space
    assert (facts["dataset"], facts["split"]) == ("cityscapes", "train")
    assert np.array_equal(image, toy.read(2).image)
    assert facts["scenes"][2]["sha256"]["image"] == sha256(image.tobytes()).hexdigest()


def test_records_are_what_tensorflow_programs_expect(toy, tmp_path):
    pack(toy, tmp_path, "tfrecord")
    example = [decode_example(payload) for payload in read_records(shard(tmp_path, 0))][1]
    scene = toy.read(1)
    assert example["image/filename"] == [scene.name.encode()]
    assert (example["image/height"], example["image/width"]) == ([64], [128])
    labels = cv2.imdecode(np.frombuffer(example["image/segmentation/class/encoded"][0], np.uint8), -1)
    assert np.array_equal(labels, scene.labels)


def test_tars_are_what_webdataset_programs_expect(toy, tmp_path):
    pack(toy, tmp_path, "webdataset")
    with tarfile.open(shard(tmp_path, 0)) as tar:
        names = tar.getnames()
        facts = json.load(io.BytesIO(tar.extractfile("000001.json").read()))
    assert names[:4] == ["000000.image.png", "000000.labels.png", "000000.instances.png", "000000.json"]
    assert facts["name"] == toy.files[1].name


def in_memory(scenes, space):
    class Memory(SceneDataset):
        name, split, label_space = "memory", "train", space

        def __init__(self):
            self.files = [SceneFiles(scene.name, tmp, None, None) for scene, tmp in scenes]

        def find(self):
            return self.files

        def read(self, i, *, with_instances=False):
            return scenes[i][0]

    return Memory()


def memory_scene(tmp_path, name, labels, instances=None):
    (tmp_path / "source").write_text("")
    return Scene(np.zeros((*labels.shape, 3), np.uint8), labels, instances, name), tmp_path / "source"


def test_label_spaces_whose_ids_lose_something_are_unpacked_as_train_ids(tmp_path):
    """Void is written as 0 in this space, which is also the id of a class."""
    space = LabelSpace("own", (LabelClass("a", (1, 2, 3), (0,)), LabelClass("b", (4, 5, 6), (300, 2))))
    labels = np.array([[0, 1, 255]], np.uint8)
    pack(in_memory([memory_scene(tmp_path, "x", labels)], space), tmp_path / "p")
    unpack(Packed(tmp_path / "p", "train"), tmp_path / "u")
    assert np.array_equal(datasets.create("folder", root=tmp_path / "u").read(0).labels, labels)


def test_names_must_differ_and_stay_inside(tmp_path):
    space = LabelSpace("own", (LabelClass("a", (1, 2, 3), (0,)),), (255,), 255)
    item = memory_scene(tmp_path, "../x", np.zeros((2, 3), np.uint8))
    with pytest.raises(DataError, match=r"several scenes are called ../x"):
        pack(in_memory([item, item], space), tmp_path / "p")
    pack(in_memory([item], space), tmp_path / "q")
    with pytest.raises(DataError, match="leads out of"):
        unpack(Packed(tmp_path / "q", "train"), tmp_path / "u")
    pack(in_memory([memory_scene(tmp_path, "/x", np.zeros((2, 3), np.uint8))], space), tmp_path / "r")
    with pytest.raises(DataError, match="leads out of"):
        unpack(Packed(tmp_path / "r", "train"), tmp_path / "u")


@pytest.mark.parametrize("format", FORMATS)
def test_large_instance_numbers(tmp_path, format):
    space = LabelSpace("own", (LabelClass("a", (1, 2, 3), (0,)),), (255,), 255)
    instances = np.array([[0, 70000]], np.int32)
    dataset = in_memory([memory_scene(tmp_path, "x", np.zeros((1, 2), np.uint8), instances)], space)
    if format == "safetensors":
        pack(dataset, tmp_path / "p", format)
        assert np.array_equal(Packed(tmp_path / "p", "train").read_instances(0), instances)
    else:
        with pytest.raises(DataError, match="instance 70000 is beyond the 16 bits"):
            pack(dataset, tmp_path / "p", format)


def test_a_full_disk_ends_a_pack_with_a_sentence(toy, tmp_path, monkeypatch):
    def fail(tensors, path, metadata):
        path.write_bytes(b"half")
        raise SafetensorError("No space left on device")

    monkeypatch.setattr("sceneseg.shards._safetensors.save_file", fail)
    with pytest.raises(DataError, match="Free some space and run the command again"):
        pack(toy, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out" / "train").iterdir()] == [UNFINISHED]
    monkeypatch.undo()
    assert pack(toy, tmp_path / "out") == len(toy)
