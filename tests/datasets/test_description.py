"""What a data.yaml may say: keys of other programs, values of wrong types, high ids."""

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.errors import DataError, ScenesegError

NAMES = "names: [road, car, sky]\n"
VALUES = [
    *("5", "-1", "1.5", ".nan", "true", "~", "''", "text", "[]", "{}", "[1]", "[a]", "[[a]]", "[~]", "[{a: b}]"),
    *("[[1, 2], [3]]", "[true]", "{a: 1}", "{1: a}", "{road: 1}", "{~: ~}", "{true: road}", "{1.5: road}"),
    *("2024-01-01", "2001-99-99", "!!timestamp x", "!!int x", "!!binary aGVsbG8=", "!!set {a, b}", "!!omap [a: 1]"),
    *("99999999999999999999", "{99999999999999999999: road}", "{0: {a: b}}", "{g: [[road]]}", "{g: {a: road}}"),
    *('"\\0"', '"\\ud800"', "&a [*a]", "*x", "!!python/name:os.system x", "C:\\x", "x" * 300, "{? [a] : 1}"),
]
KEYS = [
    *("name", "names", "ids", "colors", "void", "groups", "path", "train", "test", "masks_dir", "label_mapping", "nc"),
    *("classes", "ignore_index", "reduce_zero_label", "license", "foo", "~", "5", "true", "[a]"),
]


@pytest.fixture
def root(tmp_path):
    for kind, content in (("images", np.zeros((3, 4, 3), np.uint8)), ("masks", np.array([[0, 1, 2, 3]] * 3, np.uint8))):
        (tmp_path / kind / "train").mkdir(parents=True)
        Image.fromarray(content).save(tmp_path / kind / "train" / "a.png")
    return tmp_path


def first_row(root, text):
    (root / "data.yaml").write_text(text)
    return datasets.create("folder", root=root).read(0).labels[0].tolist()


@pytest.mark.parametrize("key", KEYS)
def test_any_value_is_read_or_refused_in_a_sentence(root, key):
    refused = []
    for value in VALUES:
        try:
            first_row(root, f"{'' if key == 'names' else NAMES}{key}: {value}\n")
        except ScenesegError as error:
            refused.append(str(error))
    assert all(str(root) in message for message in refused)
    assert len(refused) >= 9  # what YAML itself refuses


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"hello", b"- a", b"names:\n\t- a", NAMES.encode("utf-16"), "names: [Straße]".encode("latin-1")),
        *((NAMES + "---\n" + NAMES).encode(), b"names: [a\0]", b"names: " + b"[" * 3000, b"names: &a [b, *a]"),
    ],
)
def test_other_contents_are_refused_in_a_sentence(root, content):
    (root / "data.yaml").write_bytes(content)
    with pytest.raises(DataError, match=r"data\.yaml: "):
        datasets.create("folder", root=root)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("\ufeff" + NAMES + "void: 3", [0, 1, 2, 255]),
        (NAMES + "ignore_index: 3", [0, 1, 2, 255]),
        (NAMES + "ignore_label: [3, 255]\nignore_value: -100", [0, 1, 2, 255]),
        (NAMES + "reduce_zero_label: true", [255, 0, 1, 2]),
        ("names: {0: road, 1: car, 2: sky}\ndo_reduce_labels: true\nnum_classes: 3", [255, 0, 1, 2]),
        (NAMES + "reduce_zero_label: false\nvoid: [3]\nnc: 3\nclasses: [road, car, sky]", [0, 1, 2, 255]),
        (NAMES + "label_mapping: {0: 0, 1: 1, 2: 2, 3: 99}\nignore_index: 99", [0, 1, 2, 255]),
        (NAMES + "void: 3\nlicense: CC0\nurl: x\ndownload: [x]\nversion: 1.0\nroboflow: {a: b}", [0, 1, 2, 255]),
        ("names: {0: road, 1: car, 2: sky, 3: other, 255: void}", [0, 1, 2, 3]),
        ("names: [void, road, car, sky]\nids: {0: void, 1: road, 2: car, 3: sky}", [0, 1, 2, 3]),
        (NAMES + "train: images\\train\nvoid: 3", [0, 1, 2, 255]),
        (NAMES + "name: 2024\nvoid: [3, -1, 4294967295]", [0, 1, 2, 255]),
    ],
)
def test_what_is_meant_is_read(root, text, row):
    assert first_row(root, text) == row


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NAMES + "mask_dir: labels", 'unknown key "mask_dir".*Did you mean "masks_dir"'),
        (NAMES + "single_cls: true", 'unknown key "single_cls".*isn.t ignored'),
        (NAMES + "nc: 7", "nc is 7, but there are 3 names"),
        (NAMES + "classes: [road, sky, car]", "classes is .*but there are 3 names"),
        (NAMES + "ignore_index: 0", 'ignore_index lists 0 as void, but it is the class "road"'),
        (NAMES + "ids: {7: road, 8: car, 9: sky}\nignore_label: 8", 'ignore_label lists 8 as void.*"car"'),
        (NAMES + "label_mapping: {0: 0, 1: 1, 2: 2}\nignore_label: 2", 'ignore_label lists 2 as void.*"sky"'),
        (NAMES + "ids: {0: road, 1: car, 2: sky}\nreduce_zero_label: true", "id 1 is the first class"),
        ("names: {1: road, 2: car}\nreduce_zero_label: true", "id 1 is the first class"),
        ("names: {-1: void, 0: road, 1: car}", "names has the id -1 for 'void'"),
        ("names: [road, ~, sky]", "expected a class name in names, found nothing"),
        ("names: [no, yes]", "found a truth value False. Put it in quotes"),
        ("names: [[road], [car]]", "expected a class name in names, found a list"),
        (NAMES + "ids: [0, 1, 2]", "expected ids, a mapping of ids to classes, found a list"),
        (NAMES + "ids: {0: [road], 1: car, 2: sky}", "isn.t an id with a class of names"),
        (NAMES + "ids: {-1: road, 1: car, 2: sky}", "no mask of a class can hold the id -1"),
        (NAMES + "groups: [road]", "expected groups, a mapping of categories to classes"),
        (NAMES + "colors: {road: '#gg0000', car: '#00ff00', sky: '#0000ff'}", 'or "#rrggbb", found the text #gg0000'),
        (NAMES + "colors:\n  road: #ff0000\n  car: #00ff00\n  sky: #0000ff", "found nothing. Put it in quotes"),
        (NAMES + "colors: [[1, 2, 3]]", "found 1 of them for 3 names"),
        (NAMES + "void: sky", "expected ids or colors in void, found the text sky"),
        (NAMES + "path: 2024", "expected path as text, found the int 2024. Put it in quotes"),
        (NAMES + "masks_dir: [masks]", "expected masks_dir as text, found a list"),
        (NAMES + "train: {images: x}", "expected train as text, found a mapping"),
    ],
)
def test_what_is_uncertain_is_refused(root, text, words):
    with pytest.raises(DataError, match=words):
        first_row(root, text)


@pytest.mark.parametrize(
    "text",
    [
        "names: {'0': road, '1': car, '2': sky, '3': pole}",
        '{"names": ["road", "car", "sky", "pole"], "ids": {"0": "road", "1": "car", "2": "sky", "3": "pole"}}',
        "names: [road, car, sky, pole]\nlabel_mapping: {'0': 0, '1': 1, '2': 2, '3': 3}",
        "names: [road, car, sky, pole]\nnc: '4'",
        "names: [road, car, sky, pole]\nclasses: {0: road, 1: car, 2: sky, 3: pole}",
    ],
)
def test_numbers_in_quotes_as_json_has_them(root, text):
    assert first_row(root, text) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("names: {'0': road, 0: car}", "names has 0 twice"),
        ("names: [road, car, sky]\nids: {'0': road, '1': car, '2': sky}\nignore_index: 2", "the class .sky"),
        ("names: ['road', 'road ', sky]", "all different"),
        ("names:\n\t- road", r"cannot start any token \(line 2, column 1\)\.$"),
    ],
)
def test_what_is_said_twice_or_cannot_be_read(root, text, said):
    with pytest.raises(DataError, match=said):
        first_row(root, text)


def test_folders_outside_of_the_described_one(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    away = tmp_path / "sub" / "data.yaml"
    away.parent.mkdir()
    names = "names: [road, car, sky, pole]\n"
    for text in (f"train: {root}/images/train", f"path: ~/{root.name}", "train: ../sub/../images/train"):
        away.write_text(f"{names}{text}\n")
        assert datasets.create("folder", root=away).read(0).labels[0].tolist() == [0, 1, 2, 3]
