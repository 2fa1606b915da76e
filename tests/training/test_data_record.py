"""A resumed run sees whether its data are still those that it began with, and says what is different."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

import sceneseg
from sceneseg.config.conversion import from_dict
from sceneseg.datasets import contents as contents_module
from sceneseg.errors import ConfigError, DataError, RunError
from sceneseg.packing.pack import pack
from sceneseg.records.run_directory import RunDirectory, read_history, read_json
from sceneseg.training import start


def picture(file, seed, gray=False):
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 2 if gray else 256, (32, 48) if gray else (32, 48, 3), np.uint8)).save(file)


def add(root, split, name, seed):
    picture(root / "images" / split / f"{name}.png", seed)
    picture(root / "masks" / split / f"{name}.png", seed, gray=True)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder of scenes, and a run of one epoch on it."""
    root = tmp_path_factory.mktemp("data") / "streets"
    for split, count in (("train", 4), ("val", 2)):
        for i in range(count):
            add(root, split, f"{split[0]}{i}", 10 * count + i)
    (root / "data.yaml").write_text("names: [road, sky]\n")
    return root, start.start(configuration(root), tmp_path_factory.mktemp("runs"))[0]


def configuration(root, name="folder", **data):
    return from_dict(
        {
            "model": {"name": "separable_unet", "width": 4},
            "data": {"name": name, "root": str(root), "workers": 0, "check": False, **data},
            "train": {"epochs": 1, "batch_size": 2, "device": "cpu"},
        }
    )


@pytest.fixture
def given(original, tmp_path):
    """A copy of both, with a root of its own and new times of every file."""
    shutil.copytree(original[0], tmp_path / "data", copy_function=shutil.copy)
    shutil.copytree(original[1].path, tmp_path / "run")
    return tmp_path / "data", RunDirectory(tmp_path / "run")


def resume(given, epochs=2, **data):
    root, run = given
    return start.resume(run, {"data": {"root": str(root), **data}, "train": {"epochs": epochs}})


def swap(root, folder, a, b):
    files = [root / folder / f"{name}.png" for name in (a, b)]
    files[0].rename(root / "third")
    files[1].rename(files[0])
    (root / "third").rename(files[1])


def test_a_root_that_moved_is_the_same(given):
    assert resume(given)
    assert [row["epoch"] for row in read_history(given[1].history)] == ["1", "2"]
    assert given[1].load_config().data.root == str(given[0])
    assert read_json(given[1].data)["accepted"] == []


CHANGES = {
    "added": (lambda r: [add(r, "train", f"new{i}", i) for i in range(2)], r"train: 2 images added \(new0, new1\)"),
    "removed": (
        lambda r: [(r / kind / "train" / "t3.png").unlink() for kind in ("images", "masks")],
        r"train: 1 image removed \(t3\)",
    ),
    "val added": (lambda r: add(r, "val", "new", 1), r"val: 1 image added \(new\)"),
    "masks": (lambda r: swap(r, "masks/val", "v0", "v1"), r"val: 2 masks changed \(v0, v1\)"),
    "images": (lambda r: swap(r, "images/train", "t0", "t2"), r"train: 2 images changed \(t0, t2\)"),
    "ids": (
        lambda r: (r / "data.yaml").write_text("names: [road, sky]\nids: {1: road, 0: sky}\n"),
        "the classes, or the ids or colors that stand for them, changed",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_data_are_refused_with_what_changed(given, change):
    root, run = given
    resume(given)  # at the new place
    CHANGES[change][0](root)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(DataError, match=f"{CHANGES[change][1]}.*data.accept_changes"):
        resume(given, 3)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_files_of_equal_size_and_time_that_were_exchanged_are_seen(given):
    """The times of the contents are carried along by renaming, and may be set; that of the place is the system's."""
    root = given[0]
    files = [root / "masks" / "val" / f"v{i}.png" for i in range(2)]
    for file in files:
        file.write_bytes(file.read_bytes().ljust(2000, b"\0"))
        os.utime(file, ns=(10**18, 10**18))
    resume(given, 1, accept_changes=True)
    swap(root, "masks/val", "v0", "v1")
    with pytest.raises(DataError, match=r"2 masks changed \(v0, v1\)"):
        resume(given)


def test_another_root_is_refused_and_not_written_down(given, tmp_path):
    other = tmp_path / "other"
    for split in ("train", "val"):
        add(other, split, "x", 5)
    (other / "data.yaml").write_text("names: [road, sky]\n")
    config = given[1].config.read_bytes()
    with pytest.raises(DataError, match=r"train: 1 image added \(x\), 4 images removed"):
        resume((other, given[1]))
    assert given[1].config.read_bytes() == config


def test_accepted_changes_are_noted_and_epochs_stay_epochs(given):
    root, run = given
    for i in range(5):
        add(root, "train", f"new{i}", i)
    swap(root, "masks/val", "v0", "v1")
    before = read_json(run.metrics)["protocol"]
    assert resume(given, 3, accept_changes=True)
    rows = read_history(run.history)
    assert [(row["epoch"], row["step"]) for row in rows] == [("1", "2"), ("2", "4"), ("3", "6")]
    assert [row["data_changed"] for row in rows] == ["", "1", ""]
    [change] = read_json(run.data)["accepted"]
    assert change["step"] == 2
    assert "5 images added (new0, new1, new2, new3, ...)" in change["changes"]
    assert "val: 2 masks changed (v0, v1)" in change["changes"]
    assert not run.load_config().data.accept_changes
    assert resume(given, 4)  # what was accepted is the run's now
    after = read_json(run.metrics)["protocol"]
    assert after["split_hash"] == before["split_hash"]
    assert after["labels_hash"] != before["labels_hash"]


def test_the_option_is_for_resumed_runs_alone(original, tmp_path):
    with pytest.raises(ConfigError, match="a run that is resumed"):
        start.start(configuration(original[0], accept_changes=True), tmp_path)


def test_runs_of_earlier_versions_are_resumed_as_before(given):
    given[1].data.unlink()
    add(given[0], "train", "new", 1)
    assert resume(given)
    assert len(read_json(given[1].data)["splits"]["train"]["scenes"]) == 5


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "accepted": [], "splits": {"val": 3}}']
)
def test_a_damaged_record_is_named(given, text):
    given[1].data.write_text(text)
    with pytest.raises(RunError, match=r"data\.json"):
        resume(given)


def test_packs_are_compared_by_their_index(given, tmp_path):
    root = given[0]

    def packed(folder):
        for split in ("train", "val"):
            pack(sceneseg.datasets.create("folder", root=root, split=split), folder)
        return folder

    run, _ = start.start(configuration(packed(tmp_path / "one"), "packed"), tmp_path / "runs")
    shutil.move(tmp_path / "one", tmp_path / "moved")
    assert resume((tmp_path / "moved", run))
    swap(root, "masks/val", "v0", "v1")
    with pytest.raises(DataError, match=r"val: 2 masks changed \(v0, v1\)"):
        resume((packed(tmp_path / "two"), run), 3)


def scenes(seeds, split):
    made = [np.random.default_rng(seed).integers(0, 256, (32, 48, 3), np.uint8) for seed in seeds]
    return sceneseg.Scenes([(image, image[..., 0] // 128) for image in made], ["dark", "light"], "made", split)


def test_scenes_of_a_program_are_compared_by_their_arrays(tmp_path):
    options = {"workers": 0, "batch_size": 2, "device": "cpu", "runs": tmp_path, "epochs": 1}
    model = {"name": "separable_unet", "width": 4}
    run = sceneseg.train(model, (scenes([1, 2, 3], "train"), scenes([4], "val")), **options)
    options["epochs"] = 2
    with pytest.raises(DataError, match=r"val: 1 image changed \(made_00000\), 1 mask changed"):
        sceneseg.train(model, (scenes([1, 2, 3], "train"), scenes([5], "val")), **options, resume=run.path)
    assert sceneseg.train(model, (scenes([1, 2, 3], "train"), scenes([4], "val")), **options, resume=run.path).finished


def test_files_that_stayed_are_not_read_again(given, monkeypatch):
    dataset = sceneseg.datasets.create("folder", root=given[0], split="train")
    before = contents_module.contents(dataset)
    monkeypatch.setattr(contents_module, "_digest", lambda pieces: pytest.fail("a file was read"))
    monkeypatch.setattr(contents_module, "_meaning", lambda dataset: before.meaning)
    assert contents_module.contents(dataset, before) == before


def test_a_large_image_is_digested_in_part_and_a_plain_one_whole(tmp_path):
    for ending, seen in ((".png", False), (".bmp", True)):
        file = tmp_path / f"a{ending}"
        file.write_bytes(bytes(2**20))
        before = contents_module._mark(file, True, None)
        data = bytearray(2**20)
        data[2**14 + 7] = 1  # behind the first block
        file.write_bytes(data)
        assert (contents_module._mark(file, True, None)[-1] != before[-1]) == seen
