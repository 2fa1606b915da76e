import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.errors import DataError


def draw(path, color=(200, 100, 50), size=(6, 8), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), color, np.uint8)).save(path, **options)


@pytest.fixture
def root(tmp_path):
    for split in ("train", "val"):
        for name in ("bee", "ant"):
            draw(tmp_path / split / name / "a.png")
    return tmp_path


def open_folder(root, **arguments):
    return datasets.datasets.create("image_folder", root=root, **arguments)


def test_classes_are_the_sorted_folders_and_endings_may_be_large(root):
    draw(root / "train" / "bee" / "deep" / "b.JPEG")
    folder = open_folder(root)
    assert folder.classes == ["ant", "bee"]
    assert [(f.name, f.label) for f in folder.files] == [("ant/a.png", 0), ("bee/a.png", 1), ("bee/deep/b.JPEG", 1)]
    record = folder.read(1)
    assert record.image.tolist() == np.full((6, 8, 3), (200, 100, 50)).tolist()
    assert (record.label, record.name) == (1, "bee/a.png")
    assert folder.note == ""


def test_grey_alpha_and_turned_images_come_as_upright_rgb(root):
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright: rows are columns
    for name, picture, options in (
        ("gray.png", Image.new("L", (8, 6), 77), {}),
        ("alpha.png", Image.new("RGBA", (8, 6), (10, 20, 30, 128)), {}),
        ("turned.jpg", Image.new("RGB", (8, 6), (90, 90, 90)), {"exif": turned}),
    ):
        picture.save(root / "train" / "ant" / name, **options)
    folder = open_folder(root)
    images = {f.name: folder.read(i).image for i, f in enumerate(folder.files)}
    assert images["ant/gray.png"].shape == (6, 8, 3)
    assert (images["ant/gray.png"] == 77).all()
    assert (images["ant/alpha.png"] == (10, 20, 30)).all()
    assert images["ant/turned.jpg"].shape == (8, 6, 3)


def test_other_files_are_skipped_and_counted(root):
    (root / "train" / "ant" / "x.heic").write_bytes(b"")
    (root / "train" / "ant" / "._a.png").write_bytes(b"left by a Mac")
    draw(root / "train" / "lost.png")
    folder = open_folder(root)
    assert len(folder) == 2
    assert "(1 .heic, 2 .png)" in folder.note


def test_unreadable_images_are_named_when_they_are_read(root):
    (root / "train" / "ant" / "b.jpg").write_bytes(b"no picture")
    folder = open_folder(root)
    with pytest.raises(DataError, match=r"b\.jpg: can't be decoded as an image \(10 bytes\)"):
        folder.read(1)


def test_val_alone_is_enough_to_validate(root):
    (root / "train").rename(root / "val2")
    assert len(open_folder(root, split="val")) == 2
    with pytest.raises(DataError, match=r"no folder train. Expected train/CLASS.*found val, val2"):
        open_folder(root)


def test_classes_without_splits_name_the_layout(root):
    with pytest.raises(DataError, match=r"no folder train. Expected train/CLASS/\*\.jpg and val/CLASS.*found ant, bee"):
        open_folder(root / "train")
    draw(root / "flat" / "train" / "a.png")
    with pytest.raises(DataError, match="no class folders. Expected a folder for each class; found a.png"):
        open_folder(root / "flat")


def test_folders_must_be_classes_that_are_learned(root):
    draw(root / "val" / "bees" / "a.png")
    with pytest.raises(DataError, match='first "bees". Did you mean "bee"'):
        open_folder(root, split="val", classes=["ant", "bee"])
    val = open_folder(root, split="val", classes=["wasp", "bees", "bee", "ant"])
    assert [f.label for f in val.files] == [3, 2, 1]


def test_a_class_without_images_and_a_single_class(root):
    (root / "train" / "fly").mkdir()
    with pytest.raises(DataError, match="fly: expected images .* found none"):
        open_folder(root)
    draw(root / "one" / "train" / "ant" / "a.png")
    with pytest.raises(DataError, match="expected two classes or more, found ant"):
        open_folder(root / "one")


def test_segmentation_refuses_an_image_folder(root):
    with pytest.raises(DataError, match="no labels to segment by.*classification"):
        datasets.create("image_folder", root=root)


def test_real_folders(shared_data):
    train = open_folder(shared_data / "imagefolder_hymenoptera")
    assert train.classes == ["ants", "bees"]
    assert len(train) == 18  # with formica.jpeg and a GIF
    assert train.note == ""
    val = open_folder(shared_data / "imagenet_style", split="val")
    assert len(val) == len(val.classes) == 14
    assert all(val.read(i).image.shape[2] == 3 for i in range(14))
