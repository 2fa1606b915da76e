import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.errors import DataError


def write_pair(root, city="toytown", split="train", label=7, size=(8, 16), name="000000_000019", kind="gtFine"):
    height, width = size
    for folder, suffix, array in (
        ("leftImg8bit", "leftImg8bit", np.full((height, width, 3), 90, np.uint8)),
        (kind, f"{kind}_labelIds", np.full((height, width), label, np.uint8)),
        (kind, f"{kind}_instanceIds", np.full((height, width), 26001, np.uint16)),
    ):
        path = root / folder / split / city / f"{city}_{name}_{suffix}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)
    return root / kind / split / city / f"{city}_{name}_{kind}_labelIds.png"


def test_reads_train_ids_and_instances(tmp_path):
    write_pair(tmp_path, label=26)
    scene = datasets.create("cityscapes", root=tmp_path).read(0, with_instances=True)
    assert scene.image.shape == (8, 16, 3)
    assert scene.labels is not None
    assert scene.labels.dtype == np.uint8
    assert (scene.labels == 13).all()
    assert scene.instances is not None
    assert (scene.instances == 26001).all()
    assert scene.name == "toytown_000000_000019"


def test_root_comes_from_the_environment(tmp_path, monkeypatch):
    write_pair(tmp_path)
    monkeypatch.setenv("CITYSCAPES_DATASET", str(tmp_path))
    assert len(datasets.create("cityscapes")) == 1
    monkeypatch.delenv("CITYSCAPES_DATASET")
    with pytest.raises(DataError, match="No folder given for cityscapes.*CITYSCAPES_DATASET"):
        datasets.create("cityscapes")


def test_cities(tmp_path):
    write_pair(tmp_path, "brickfield")
    write_pair(tmp_path, "toytown")
    assert len(datasets.create("cityscapes", root=tmp_path)) == 2
    assert [f.name for f in datasets.create("cityscapes", root=tmp_path, cities=["toytown"]).files] == [
        "toytown_000000_000019"
    ]
    with pytest.raises(DataError, match='no city "toytwon".*Did you mean "toytown"'):
        datasets.create("cityscapes", root=tmp_path, cities=["toytwon"])


def test_wrong_roots_and_splits(tmp_path):
    with pytest.raises(DataError, match="there is no such folder"):
        datasets.create("cityscapes", root=tmp_path / "none")
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="no leftImg8bit/train.*Expected leftImg8bit and gtFine.*found images"):
        datasets.create("cityscapes", root=tmp_path)
    with pytest.raises(DataError, match='no split "vall".*Did you mean "val"'):
        datasets.create("cityscapes", root=tmp_path, split="vall")


def test_faulty_files_are_named(tmp_path):
    labels = write_pair(tmp_path)
    dataset = datasets.create("cityscapes", root=tmp_path)
    Image.fromarray(np.full((8, 16), 99, np.uint8)).save(labels)
    with pytest.raises(DataError, match=r"labelIds\.png: found label id 99 \(128 pixels\)"):
        dataset.read(0)
    Image.fromarray(np.full((4, 16), 7, np.uint8)).save(labels)
    with pytest.raises(DataError, match="labels are 4 x 16 but their image .* is 8 x 16"):
        dataset.read(0)
    Image.fromarray(np.full((8, 16, 3), (1, 2, 3), np.uint8)).save(labels)
    with pytest.raises(DataError, match="one id per pixel, found 3 channels"):
        dataset.read(0)
    labels.write_bytes(labels.read_bytes()[:30])
    with pytest.raises(DataError, match="can't be decoded"):
        dataset.read(0)
    labels.unlink()
    with pytest.raises(DataError, match="labels of .* are missing"):
        datasets.create("cityscapes", root=tmp_path)


def test_test_split_has_no_labels(tmp_path):
    write_pair(tmp_path, split="test")
    dataset = datasets.create("cityscapes", root=tmp_path, split="test")
    assert not dataset.has_labels
    assert dataset.read(0).labels is None


def test_real_pairs(shared_data):
    dataset = datasets.create("cityscapes", root=shared_data / "cityscapes", split="train")
    assert len(dataset) == 5
    scene = dataset.read(0, with_instances=True)
    counts = np.bincount(scene.labels.ravel(), minlength=256)
    assert counts[0] == 831082  # road of aachen_000000_000019
    assert counts[13] == 42659  # its cars
    assert len(np.unique(scene.instances)) - 1 == 13


def test_coarse_labels_are_for_learning(toy_root):
    fine = datasets.create("cityscapes", root=toy_root)
    coarse = datasets.create("cityscapes", root=toy_root, coarse=True)
    assert [f.name for f in coarse.files] == [f.name for f in fine.files]
    assert {f.labels.parts[-4] for f in coarse.files} == {"gtCoarse"}
    assert (coarse.read_labels(0) == 255).mean() > (fine.read_labels(0) == 255).mean()
    val = datasets.create("cityscapes", root=toy_root, split="val", coarse=True)
    assert {f.labels.parts[-4] for f in val.files} == {"gtFine"}


def test_extra_coarse_images(tmp_path):
    for split, name in (("train", "000000_000019"), ("train_extra", "000001_000019")):
        write_pair(tmp_path, split=split, name=name, kind="gtCoarse")
    extra = datasets.create("cityscapes", root=tmp_path, split="train_extra", coarse=True)
    assert [f.name for f in extra.files] == ["toytown_000001_000019"]
    assert extra.read(0, with_instances=True).labels.shape == (8, 16)
    assert len(datasets.create("cityscapes", root=tmp_path, split="train_all", coarse=True)) == 2
    with pytest.raises(DataError, match="train_extra has coarse labels only. Set coarse"):
        datasets.create("cityscapes", root=tmp_path, split="train_extra")
    (tmp_path / "gtCoarse/train/toytown/toytown_000000_000019_gtCoarse_labelIds.png").unlink()
    with pytest.raises(DataError, match=r"are missing\. Unpack gtCoarse\.zip"):
        datasets.create("cityscapes", root=tmp_path, coarse=True)


def test_categories(tmp_path):
    write_pair(tmp_path, label=26)
    dataset = datasets.create("cityscapes", root=tmp_path, label_space="categories")
    assert (dataset.read(0).labels == 6).all()
    assert dataset.label_space.names[6] == "vehicle"
