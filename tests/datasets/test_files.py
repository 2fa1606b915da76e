"""Walking folders: links are followed, loops end, and nothing is skipped silently."""

import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.datasets.files import IMAGES, files_below, files_in, folders_in
from sceneseg.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.PNG", "sub/deep/a.jpg", ".hidden.png", "notes.txt", "frames.png/c.png"):
        write(tmp_path / "here" / name)
    return tmp_path / "here"


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def names(folder, found):
    return [path.relative_to(folder).as_posix() for path in found]


def test_wanted_files_at_any_depth_sorted(folder):
    assert names(folder, files_below(folder, IMAGES)) == ["b.PNG", "frames.png/c.png", "sub/deep/a.jpg"]
    assert names(folder, files_in(folder)) == ["b.PNG"]
    assert folders_in(folder) == ["frames.png", "sub"]
    assert len(files_below(folder)) == 5


def test_hidden_folders_hold_no_images(folder):
    write(folder / "sub" / ".ipynb_checkpoints" / "a-checkpoint.jpg")
    assert names(folder, files_below(folder, IMAGES)) == ["b.PNG", "frames.png/c.png", "sub/deep/a.jpg"]
    assert len(files_below(folder)) == 6


def test_linked_folders_outside_are_followed(folder, tmp_path):
    write(tmp_path / "there" / "deep" / "d.png")
    (tmp_path / "there" / "again").symlink_to(tmp_path / "there")
    (folder / "linked").symlink_to(tmp_path / "there")
    (folder / "sub" / "twice").symlink_to(tmp_path / "there")
    found = names(folder, files_below(folder, {".png"}))
    assert found == ["b.PNG", "frames.png/c.png", "linked/deep/d.png", "sub/twice/deep/d.png"]
    assert "linked" in folders_in(folder)


@pytest.mark.parametrize("target", [".", "..", "sub", "sub/deep"])
def test_links_that_lead_back_end(folder, target):
    before = files_below(folder, IMAGES)
    (folder / "linked").symlink_to(folder / target)
    assert files_below(folder, IMAGES) == before
    assert files_below(folder / "sub", IMAGES) == [folder / "sub" / "deep" / "a.jpg"]


def test_a_link_up_doesnt_bring_in_other_splits(folder):
    (folder / "sub" / "up").symlink_to(folder)
    assert names(folder, files_below(folder / "sub", IMAGES)) == ["sub/deep/a.jpg"]


def test_two_folders_outside_that_link_each_other(folder, tmp_path):
    for name, other in (("x", "y"), ("y", "x")):
        write(tmp_path / name / f"{name}.jpg")
        (tmp_path / name / "other").symlink_to(tmp_path / other)
    (folder / "x").symlink_to(tmp_path / "x")
    assert names(folder, files_below(folder, {".jpg"})) == ["sub/deep/a.jpg", "x/other/y.jpg", "x/x.jpg"]


def test_the_start_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "start").symlink_to(folder)
    assert len(files_below(tmp_path / "start", IMAGES)) == 3


def test_dead_links(folder):
    (folder / "gone.png").symlink_to("/nowhere/gone.png")
    (folder / "readme.md").symlink_to("/nowhere/readme.md")
    assert folder / "gone.png" in files_below(folder, {".png"})
    (folder / "sub" / "city 2.0").symlink_to(folder / "sub" / "city 2.0")
    with pytest.raises(DataError, match=r"city 2\.0: the link leads to a folder that doesn't exist"):
        files_below(folder, {".png"})


def test_a_folder_that_cant_be_read(folder):
    with pytest.raises(DataError, match="nothing: the folder can't be read"):
        files_below(folder / "nothing")


def test_linked_cities(toy_root, tmp_path):
    """A city of Cityscapes that is a link counts; a dead one is named."""
    for kind in ("leftImg8bit", "gtFine"):
        (tmp_path / kind / "train").mkdir(parents=True)
        for city in folders_in(toy_root / kind / "train"):
            (tmp_path / kind / "train" / city).symlink_to(toy_root / kind / "train" / city)
    found, own = (datasets.create("cityscapes", root=root, split="train") for root in (tmp_path, toy_root))
    assert [f.name for f in found.files] == [f.name for f in own.files]
    (tmp_path / "leftImg8bit" / "train" / "zurich").symlink_to("/nowhere/zurich")
    with pytest.raises(DataError, match="zurich: the link leads"):
        datasets.create("cityscapes", root=tmp_path, split="train")


def test_linked_folders_of_the_full_ade20k(tmp_path):
    scene = tmp_path / "elsewhere" / "street"
    scene.mkdir(parents=True)
    for ending in (".jpg", "_seg.png"):
        Image.new("RGB", (4, 3)).save(scene / f"ADE_1{ending}")
    (tmp_path / "images" / "ADE" / "training").mkdir(parents=True)
    (tmp_path / "images" / "ADE" / "training" / "urban").symlink_to(tmp_path / "elsewhere")
    assert [f.name for f in datasets.create("ade20k", root=tmp_path).files] == ["ADE_1"]


def test_linked_classes_of_an_image_folder(tmp_path):
    for name in ("ant", "bee"):
        (tmp_path / "store" / name).mkdir(parents=True)
        Image.new("RGB", (4, 3)).save(tmp_path / "store" / name / "a.png")
        (tmp_path / "set" / "train").mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / "train" / name).symlink_to(tmp_path / "store" / name)
    (tmp_path / "store" / "bee" / "self").symlink_to(tmp_path / "store" / "bee")

    def opened():
        return datasets.datasets.create("image_folder", root=tmp_path / "set")

    assert [f.name for f in opened().files] == ["ant/a.png", "bee/a.png"]
    (tmp_path / "store" / "bee" / "gone.jpg").symlink_to("/nowhere/gone.jpg")
    with pytest.raises(DataError, match=r"gone\.jpg: the link leads to"):
        opened()
