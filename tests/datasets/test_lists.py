"""Lists of images and masks in the forms that people write."""

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.errors import DataError

PAIRS = [(f"images/train/s{i}.png", f"masks/train/s{i}.png") for i in range(3)]


def plain(separator=" ", change=lambda path: path):
    return "\n".join(separator.join(map(change, pair)) for pair in PAIRS)


def write(root, name):
    for kind, size in (("images", (2, 3, 3)), ("masks", (2, 3))):
        file = root / kind / "train" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros(size, np.uint8)).save(file)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [road]\ntrain: lists/train.txt\n")
    (tmp_path / "lists").mkdir()
    for i in range(3):
        write(tmp_path, f"s{i}")
    return tmp_path


def opened(root, content):
    data = content if isinstance(content, bytes) else content.encode()
    (root / "lists" / "train.txt").write_bytes(data)
    return datasets.create("folder", root=root)


@pytest.mark.parametrize(
    "content",
    [
        plain(),
        plain().replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + plain().encode(),
        plain().encode("utf-16"),
        b"\xfe\xff" + plain().encode("utf-16-be"),
        plain(change=lambda path: path.replace("/", "\\")),
        plain(","),
        plain("; "),
        plain(";") + ";",
        "image,mask\n" + plain(","),
        "Image Label\n" + plain(),
        "# made by me\n" + plain(),
        plain(change=lambda path: f'"{path}"'),
        plain(",", lambda path: f"'{path}'"),
        plain(change=lambda path: f"/{path}"),
        plain(change=lambda path: f"./{path}"),
        plain(change=lambda path: f"../{path}"),
        "\n".join(image for image, _ in PAIRS),
        "s0\ns1\ns2",
    ],
)
def test_forms_that_can_be_read_in_one_way(root, content):
    dataset = opened(root, content)
    assert [f.name for f in dataset.files] == ["s0", "s1", "s2"]
    assert [f.labels.name for f in dataset.files] == ["s0.png", "s1.png", "s2.png"]
    assert dataset.read(2).labels.shape == (2, 3)


@pytest.mark.parametrize("name", ["my holiday", "a, b; c"])
@pytest.mark.parametrize("form", ["{0} {1}", "{0}\t{1}", '"{0}" "{1}"', "{0}", "{0},{1}"])
def test_names_with_spaces(root, name, form):
    write(root, name)
    dataset = opened(root, form.format(f"images/train/{name}.png", f"masks/train/{name}.png"))
    assert [f.name for f in dataset.files] == [name]
    assert dataset.files[0].labels.name == f"{name}.png"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (plain().encode("utf-16-le"), "expected a list of files as UTF-8 text"),
        ("images/train/Straße.png".encode("latin-1"), "expected a list of files as UTF-8 text"),
        ("images/train/s0.png masks/train/s0.png 1", "line 1.*found 3 columns"),
        ("s0\ns9", "line 2: there is no file s9.*whole file names"),
        ("images/train/s0.png\nimages/train/s9.png", r"s9\.png: the image is missing, but it is listed"),
        ("images/train/" + "x" * 300 + ".png", "the image is missing"),
        ("C:\\data\\s0.png C:\\data\\m0.png", "the image is missing"),
        ("", "the train split has no images"),
        ("# nothing\n", "the train split has no images"),
    ],
)
def test_the_rest_gets_one_sentence(root, content, words):
    with pytest.raises(DataError, match=words):
        opened(root, content)


def test_a_stem_with_two_images_isnt_guessed(root):
    Image.new("RGB", (3, 2)).save(root / "images" / "train" / "s1.jpg")
    with pytest.raises(DataError, match="line 2: there is no file s1, and no one image of that name"):
        opened(root, "s0\ns1\ns2")


def test_pascal_voc_written_on_windows(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [road]")
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_bytes("a b\r\nc.jpg\r\n".encode("utf-16"))
    for stem in ("a b", "c"):
        for folder, ending in (("JPEGImages", ".jpg"), ("SegmentationClass", ".png")):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.new("L", (3, 2)).save(tmp_path / folder / f"{stem}{ending}")
    assert [f.name for f in datasets.create("folder", root=tmp_path).files] == ["a b", "c"]
