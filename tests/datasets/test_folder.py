"""Own images and masks, in every layout and file format that people have."""

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.errors import DataError

IDS = np.array([[0, 1, 2], [2, 255, 1]], np.uint8)
TRAIN_IDS = [[0, 1, 2], [2, 255, 1]]
NAMES = "names: [sky, road, car]\n"
COLORS = {0: (10, 20, 30), 1: (128, 64, 128), 2: (0, 0, 142), 255: (0, 0, 0)}


def write_image(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((2, 3, 3), 80, np.uint8) if pixels is None else pixels).save(path)


def write_split(root, split, names=("a",), mask=IDS, ending=".png"):
    for name in names:
        write_image(root / "images" / split / f"{name}.jpg")
        write_image(root / "masks" / split / f"{name}{ending}", mask)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "data.yaml").write_text(NAMES)
    write_split(tmp_path, "train", ("a", "b"))
    write_split(tmp_path, "val")
    return tmp_path


def labels(root, **options):
    return datasets.create("folder", root=root, **options).read(0).labels.tolist()


def colored(ids=IDS):
    return np.array([[COLORS[i] for i in row] for row in ids.tolist()], np.uint8)


def test_images_beside_masks(root):
    dataset = datasets.create("folder", root=root)
    assert [f.name for f in dataset.files] == ["a", "b"]
    assert dataset.label_space.names == ["sky", "road", "car"]
    assert len({c.color for c in dataset.label_space.classes}) == 3
    assert labels(root) == TRAIN_IDS
    assert len(datasets.create("folder", root=root, split="val")) == 1


def test_the_yaml_itself_may_be_the_root(root):
    (root / "other.yaml").write_text("names: [x, y, z]")
    dataset = datasets.create("folder", root=root / "other.yaml")
    assert dataset.label_space.names == ["x", "y", "z"]
    assert datasets.create("folder", root=dataset.root).label_space.names == ["x", "y", "z"]
    (root / "data.yaml").rename(root / "mine.yaml")
    with pytest.raises(DataError, match=r"several YAML files \(mine.yaml, other.yaml\)"):
        datasets.create("folder", root=root)


def test_deep_folders_and_equal_names(root):
    write_split(root, "train/deep", ("a",))
    assert [f.name for f in datasets.create("folder", root=root).files] == [
        "images_train_a",
        "images_train_b",
        "images_train_deep_a",
    ]


def test_a_test_split_without_masks(root):
    write_image(root / "images" / "test" / "t.jpg")
    assert not datasets.create("folder", root=root, split="test").has_labels


@pytest.mark.parametrize(
    "columns", ["pictures/a.jpg truth/x.png", "pictures/a.jpg\ttruth/x.png", "pictures/a.jpg, truth/x.png"]
)
def test_list_files(tmp_path, columns):
    (tmp_path / "data.yaml").write_text(NAMES)
    (tmp_path / "train.txt").write_text(f"{columns}\n\n")
    write_image(tmp_path / "pictures" / "a.jpg")
    write_image(tmp_path / "truth" / "x.png", IDS)
    assert labels(tmp_path) == TRAIN_IDS


def test_faulty_lists(tmp_path):
    (tmp_path / "data.yaml").write_text(NAMES)
    listing = tmp_path / "train.txt"
    listing.write_text("my holiday/a.jpg truth/x.png\n")
    with pytest.raises(DataError, match=r"train.txt, line 1: .* found 3 columns.*tab"):
        datasets.create("folder", root=tmp_path)
    listing.write_text("pictures/a.jpg\n")
    with pytest.raises(DataError, match='no folder above it is called "images"'):
        datasets.create("folder", root=tmp_path)
    listing.write_text("pictures/a.jpg truth/x.png\n")
    with pytest.raises(DataError, match=r"a\.jpg: the image is missing, but it is listed"):
        datasets.create("folder", root=tmp_path)


def test_pascal_voc(tmp_path):
    (tmp_path / "voc.yaml").write_text(NAMES)
    (tmp_path / "ImageSets" / "Segmentation").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Segmentation" / "train.txt").write_text("2007_1\n2007_2\n")
    for stem in ("2007_1", "2007_2", "2007_3"):
        write_image(tmp_path / "JPEGImages" / f"{stem}.jpg")
        write_image(tmp_path / "SegmentationClass" / f"{stem}.png", IDS)
    dataset = datasets.create("folder", root=tmp_path)
    assert [f.name for f in dataset.files] == ["2007_1", "2007_2"]
    assert dataset.read(1).labels.tolist() == TRAIN_IDS
    with pytest.raises(DataError, match=r"no val split.*images/val next to masks/val, a list val\.txt"):
        datasets.create("folder", root=tmp_path, split="val")


@pytest.mark.parametrize("ending", [".png", ".tif", ".tiff", ".bmp"])
def test_formats_of_masks(tmp_path, ending):
    (tmp_path / "data.yaml").write_text(NAMES)
    write_split(tmp_path, "train", ending=ending)
    assert labels(tmp_path) == TRAIN_IDS


def test_a_palette_is_left_aside(root):
    picture = Image.fromarray(IDS)
    picture.putpalette(np.roll(np.arange(768) % 256, 5).astype(np.uint8).tobytes())
    assert picture.mode == "P"
    picture.save(root / "masks" / "train" / "a.png")
    assert labels(root) == TRAIN_IDS


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_sixteen_bits(tmp_path, ending):
    (tmp_path / "data.yaml").write_text(NAMES + "ids: {7: sky, 300: road, 40000: car}\nvoid: [9]")
    write_split(tmp_path, "train", mask=np.array([[7, 300, 40000], [9, 255, 300]], np.uint16), ending=ending)
    assert labels(tmp_path) == [[0, 1, 2], [255, 255, 1]]


def test_one_bit(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [background, road]")
    write_split(tmp_path, "train", mask=np.array([[True, False]]))
    write_image(tmp_path / "images/train/a.jpg", np.zeros((1, 2, 3), np.uint8))
    assert labels(tmp_path) == [[1, 0]]


@pytest.mark.parametrize("alpha", [False, True])
def test_colors_with_a_table(root, alpha):
    (root / "data.yaml").write_text(
        NAMES + 'colors: {road: "#804080", car: [0, 0, 142], sky: [10, 20, 30]}\nvoid: [[0, 0, 0]]'
    )
    mask = colored()
    write_split(root, "train", mask=np.dstack([mask, np.full((2, 3), 200, np.uint8)]) if alpha else mask)
    assert labels(root) == TRAIN_IDS
    assert datasets.create("folder", root=root).label_space.classes[1].color == (128, 64, 128)
    mask[0, 0] = (10, 20, 31)
    write_split(root, "train", mask=mask)
    with pytest.raises(DataError, match=r"found 1 colors that aren't in the table, first \(10, 20, 31\) \(1 pixels\)"):
        labels(root)


def test_colors_without_a_table(root):
    write_split(root, "train", mask=colored())
    with pytest.raises(DataError, match="found a color image.*`colors` in the YAML file"):
        labels(root)


def test_ids_void_and_groups(root):
    (root / "data.yaml").write_text(
        "names: [sky, road]\nids: {0: sky, 1: road, 2: void}\ngroups: {above: sky, below: [road]}\nname: garden"
    )
    dataset = datasets.create("folder", root=root)
    assert dataset.read(0).labels.tolist() == [[0, 1, 255], [255, 255, 1]]
    assert dataset.label_space.categories == ["above", "below"]
    assert dataset.label_space.name == "garden"
    assert datasets.create("folder", root=root, label_space="below").read(0).labels.tolist() == [
        [1, 0, 255],
        [255, 255, 0],
    ]


def test_names_with_numbers(root):
    (root / "data.yaml").write_text("names: {2: car, 0: sky, 1: road}")
    assert datasets.create("folder", root=root).label_space.names == ["sky", "road", "car"]


def test_an_ultralytics_file_unchanged(tmp_path):
    (tmp_path / "street.yaml").write_text(
        "path: /home/someone/datasets/street  # dataset root dir\ntrain: images/train\nval: images/val\ntest:\n"
        "masks_dir: truth\nnc: 2\nnames:\n  0: road\n  1: car\n"
        "label_mapping:\n  -1: 255\n  0: 255\n  1: 0\n  2: 1\ndownload: |\n  print('unused')\n"
    )
    write_image(tmp_path / "images" / "train" / "a.jpg")
    write_image(tmp_path / "truth" / "train" / "a.png", IDS)
    assert labels(tmp_path) == [[255, 0, 1], [1, 255, 0]]
    (tmp_path / "list.txt").write_text("./images/train/a.jpg\n")
    text = (tmp_path / "street.yaml").read_text()
    (tmp_path / "street.yaml").write_text(text.replace("train: images/train", "train: [list.txt]"))
    assert labels(tmp_path) == [[255, 0, 1], [1, 255, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nmes: [a]", 'unknown key "nmes".*Did you mean "names"'),
        ("train: images", "expected names"),
        ("names: [a, a]", "all different"),
        ("names: [a, b]\nids: {0: a}", "no id stands for b"),
        ("names: [a]\nids: {0: aa}", '"0: aa" isn.t an id with a class.*Did you mean "a"|"0: aa" isn.t an id'),
        ("names: [a]\nids: {0: a}\nlabel_mapping: {0: 0}", "say the same thing twice"),
        ("names: [a, b]\ncolors: {a: [1, 2, 3]}", "no color for b"),
        ("names: [a, b]\ncolors: {a: [1, 2, 3], b: [1, 2, 3]}", "two classes have the same color"),
        ("names: [a]\ncolors: {a: red}", r"expected a color as \[red, green, blue\]"),
        ("names: [a]\ncolors: {b: [0, 0, 0]}", 'a color for "b"'),
        ("names: [a]\nvoid: [0]", "the id 0 is void and the class a"),
        ("names: [a]\ngroups: {g: [b]}", '"b" in groups isn.t among the names'),
        ("names: [a]\ntrain: pictures", "no such folder or list, which the YAML file names for train"),
        ("names: [", "not readable as YAML"),
    ],
)
def test_faulty_files_get_one_sentence(root, text, message):
    (root / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=message):
        datasets.create("folder", root=root)


def test_missing_files_are_named_and_counted(root):
    for name in ("a", "b"):
        (root / "masks" / "train" / f"{name}.png").unlink()
    with pytest.raises(DataError, match=r"a\.png: the labels of a\.jpg are missing \(2 such\)"):
        datasets.create("folder", root=root)
    (root / "data.yaml").unlink()
    with pytest.raises(DataError, match="there is no YAML file. Write a data.yaml that names the classes"):
        datasets.create("folder", root=root)


def test_damaged_masks_are_named(root):
    path = root / "masks" / "train" / "a.png"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r"a\.png: can't be decoded"):
        labels(root)
    Image.fromarray(np.full((2, 3), 0.5, np.float32)).save(root / "masks" / "train" / "a.tif")
    path.unlink()
    with pytest.raises(DataError, match="expected whole numbers, found float32"):
        labels(root)


def test_the_environment(root, monkeypatch):
    monkeypatch.setenv("FOLDER_DATASET", str(root / "data.yaml"))
    assert len(datasets.create("folder")) == 2
    monkeypatch.delenv("FOLDER_DATASET")
    with pytest.raises(DataError, match="No folder given for folder"):
        datasets.create("folder")


def test_real_files(shared_data, tmp_path):
    samples = shared_data / "folder_pairs"
    (tmp_path / "data.yaml").write_text("names: [other, thing]")
    (tmp_path / "train.txt").write_text(f"{samples / 'color.jpg'} {samples / 'seg.png'}")
    counts = np.bincount(datasets.create("folder", root=tmp_path).read(0).labels.ravel(), minlength=256)
    assert (counts[0], counts[1], counts[255]) == (19872, 127584, 0)
