import json

import numpy as np
import pytest

from sceneseg.datasets.cityscapes import LABEL_SPACE, LABELS
from sceneseg.errors import ConfigError, DataError
from sceneseg.labels import LabelClass, LabelSpace, choose_space, group


def test_cityscapes_table_is_the_official_one():
    official = pytest.importorskip("cityscapesscripts.helpers.labels").labels
    ours = {row.label_id: row for row in LABELS}
    for label in official:
        if label.id < 0:
            continue
        row = ours[label.id]
        assert (row.name, row.category, row.color, row.has_instances) == (
            label.name,
            label.category,
            label.color,
            label.hasInstances,
        )
        assert row.train_id == (255 if label.trainId < 0 else label.trainId)


def test_encode_and_decode_are_inverse_on_scored_classes():
    ids = np.array([[7, 8, 33], [0, 3, 23]], np.uint8)
    labels = LABEL_SPACE.encode(ids)
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[0, 1, 18], [255, 255, 10]]
    assert LABEL_SPACE.decode(labels).tolist() == [[7, 8, 33], [0, 0, 23]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_unknown_id_is_named_with_file_and_count(dtype):
    with pytest.raises(DataError, match=r"a\.png: found label id 77 \(2 pixels\).*0-33"):
        LABEL_SPACE.encode(np.array([[7, 77, 77]], dtype), where="a.png")


def test_ids_beyond_a_byte():
    space = LabelSpace("wide", (LabelClass("a", (1, 2, 3), (1000, 7)),), void_ids=(0,))
    assert space.encode(np.array([[1000, 7, 0]], np.uint16)).tolist() == [[0, 0, 255]]
    with pytest.raises(DataError, match="found label id -1"):
        space.encode(np.array([[-1]], np.int32))


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.uint64])
def test_ids_beyond_any_table(dtype):
    """Ids like 4294967295 for no data are looked up without a table of 8 GiB."""
    classes = (LabelClass("a", (1, 2, 3), (2**31 - 1,)), LabelClass("b", (1, 2, 3), (70000, 7)))
    space = LabelSpace("wide", classes, void_ids=(2**32 - 1, -1, 10**30))
    stored = np.array([[2**31 - 1, 70000, 7, -1 if np.iinfo(dtype).min else 2**32 - 1]]).astype(dtype)
    assert space.encode(stored).tolist() == [[0, 1, 1, 255]]
    assert space.encode(np.array([[7, 7]], np.uint16)).tolist() == [[1, 1]]
    with pytest.raises(DataError, match=r"found label id 8 \(1 pixels\)"):
        space.encode(np.array([[8, 7]], dtype))
    with pytest.raises(DataError, match="found label id 8"):
        space.encode(np.array([[8]], np.uint8))


def test_ids_that_are_written():
    classes = (LabelClass("a", (1, 2, 3), (7,)), LabelClass("b", (1, 2, 3), (300,)))
    decoded = LabelSpace("wide", classes, (255,), 255).decode(np.array([[0, 1, 255]], np.uint8))
    assert (decoded.dtype, decoded.tolist()) == (np.uint16, [[7, 300, 255]])
    space = LabelSpace("wider", (LabelClass("a", (1, 2, 3), (70000,)),), (255,), 255)
    with pytest.raises(DataError, match="the id 70000, which doesn't fit into the 16 bits"):
        space.decode(np.zeros((1, 1), np.uint8))


def test_plain_data_round_trip():
    assert LabelSpace.from_dict(LABEL_SPACE.to_dict()) == LABEL_SPACE
    assert LABEL_SPACE.categories == ["flat", "construction", "object", "nature", "sky", "human", "vehicle"]


@pytest.mark.parametrize(
    ("wanted", "names", "road", "parking"),
    [
        ("categories", "flat construction object nature sky human vehicle", 0, 255),
        ("categories+void", "flat construction object nature sky human vehicle void", 0, 7),
        ("road", "road other", 0, 255),
        ("car,road", "car road other", 1, 255),
        ("vehicle+rest of it", "vehicle other rest-of-it", 1, 2),
    ],
)
def test_spaces_by_name(wanted, names, road, parking):
    space = choose_space(LABEL_SPACE, wanted)
    assert [name.replace(" ", "-") for name in space.names] == names.split()
    assert space.name == f"cityscapes:{wanted}"
    assert space.encode(np.array([[7, 9]], np.uint8)).tolist() == [[road, parking]]
    assert choose_space(space, wanted) is space


def test_a_class_of_its_own_for_void():
    space = choose_space(LABEL_SPACE, "classes+unlabeled")
    assert len(space) == 20
    assert space.void_ids == ()
    assert space.encode(np.array([[0, 9, 33]], np.uint8)).tolist() == [[19, 19, 18]]
    assert space.categories == LABEL_SPACE.categories
    assert choose_space(LABEL_SPACE, "classes") is LABEL_SPACE


def test_joined_classes_keep_what_they_share():
    human, vehicle = choose_space(LABEL_SPACE, "categories").classes[-2:]
    assert (human.color, human.has_instances, human.category) == ((220, 20, 60), True, "")
    assert vehicle.label_ids == (26, 27, 28, 31, 32, 33)
    road, other = choose_space(LABEL_SPACE, "road").classes
    assert (road.color, road.has_instances) == ((128, 64, 128), False)
    assert not other.has_instances


def test_spaces_from_files(tmp_path):
    file = tmp_path / "driving.yaml"
    file.write_text("classes: {free: [road, 9], vehicle: vehicle, left: rest}\ncolors: {free: [1, 2, 3]}\n")
    space = choose_space(LABEL_SPACE, str(file))
    assert space.name == "cityscapes:driving"
    assert space.names == ["free", "vehicle", "left"]
    assert space.classes[0].color == (1, 2, 3)
    assert space.encode(np.array([[7, 9, 33, 23, 0]], np.uint8)).tolist() == [[0, 0, 1, 2, 255]]
    whole = tmp_path / "labels.json"
    whole.write_text(json.dumps(space.to_dict()))
    assert choose_space(LABEL_SPACE, str(whole)) == space


def test_selecting_makes_the_rest_void(tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text("classes: {car: [car], person: [person]}")
    space = choose_space(LABEL_SPACE, str(file))
    assert space.encode(np.array([[26, 24, 7, 0]], np.uint8)).tolist() == [[0, 1, 255, 255]]
    assert space.decode(np.array([[0, 1, 255]], np.uint8)).tolist() == [[26, 24, 0]]
    assert space.classes[0] == LABEL_SPACE.classes[13]


CLASS = "{name: a, color: [0, 0, 0], label_ids: [1]}"


@pytest.mark.parametrize("wanted", ["road+road", "road,road", "classes+car", "road+other", "other,road", "road+"])
def test_no_two_classes_of_a_space_have_one_name(wanted):
    own = LabelSpace("own", (*LABEL_SPACE.classes, LabelClass("other", (1, 2, 3), (99,))), (0,))
    with pytest.raises(ConfigError, match="two classes would be called|expected the name of a class"):
        choose_space(own, wanted)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes: {a: [roud]}", 'no class, category or label id "roud".*Did you mean "road"'),
        ("classes: {a: [road], b: [flat]}", "label id 7 is in a and in b"),
        ("classes: {a: [0], b: [0, road]}", "label id 0 is in a and in b"),
        ("classes: {a: []}", '"a" is empty'),
        ("classes: {a: road}\ncolors: {b: [0, 0, 0]}", 'a color for "b"'),
        ("class: {a: road}", 'unknown key "class".*Did you mean "classes"'),
        ("classes: [road, car]", "expected classes with what they consist of"),
        ("name: x", "expected classes with what they consist of"),
        ("classes: {a: {road: 1}}", "no class, category or label id"),
        ("classes: {a: [[road]]}", "no class, category or label id"),
        ("classes: {a: road}\ncolors: [1]", "colors must be a mapping"),
        ("classes: {a: road}\ncolors: {a: red}", "colors.a must be a list"),
        ("classes: {a: road}\ncolors: {a: [1, 2, 300]}", "colors.a must be three numbers from 0 to 255"),
        ("classes: [{name: a, color: [1, 2, 3], label_ids: 7}]", "label_ids must be a list, found 7"),
        (
            "classes: [{name: a, color: [1, 2, 3], label_ids: [[7]]}]",
            "label_ids.0 must be a whole number, found a list",
        ),
        ("classes: [{name: a, color: [1, 2, 3], label_ids: [true]}]", "label_ids.0 must be a whole number, found True"),
        ("classes: [{name: 2024-01-01, color: [1, 2, 3], label_ids: [7]}]", "name must be a word, found datetime.date"),
        ("classes: [{name: a, color: abc, label_ids: [7]}]", "color must be a list, found 'abc'"),
        (
            "void_ids: [~]\nclasses: [{name: a, color: [1, 2, 3], label_ids: [7]}]",
            "void_ids.0 must be a whole number, found None",
        ),
        ("classes: {road: [road], 7: [7], no: [car]}", "expected the name of a class, found False.*quotes"),
        ("classes: {~: [road]}", "expected the name of a class, found None"),
        ("classes: {a: [road], a: [car]}", 'the key "a" is given twice'),
        ("classes: []", "there are no classes"),
        (f"classes: [{CLASS}, {CLASS}]", 'two classes would be called "a"'),
        ("classes: [{name: a, color: [0, 0, 0], label_ids: [-1]}]", "label ids from 0 on, found -1"),
    ],
)
def test_faulty_space_files_get_one_sentence(tmp_path, text, message):
    file = tmp_path / "space.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        choose_space(LABEL_SPACE, str(file))


def test_spaces_that_dont_exist():
    with pytest.raises(ConfigError, match='no class, category or label id "rode".*Did you mean "road"'):
        choose_space(LABEL_SPACE, "rode")
    flat = LabelSpace("flat", (LabelClass("a", (1, 2, 3), (0,)),))
    with pytest.raises(ConfigError, match="has no categories"):
        choose_space(flat, "categories")
    with pytest.raises(ConfigError, match="no such configuration file"):
        choose_space(flat, "missing.yaml")


def test_train_ids_become_those_of_a_coarser_space_only():
    categories = choose_space(LABEL_SPACE, "categories+void")
    table = LABEL_SPACE.train_ids_in(categories)
    ids = np.arange(34, dtype=np.uint8)[None]
    assert np.array_equal(table[LABEL_SPACE.encode(ids)], categories.encode(ids))
    with pytest.raises(ConfigError, match='the class "flat" stands for the label ids 7-8'):
        categories.train_ids_in(LABEL_SPACE)
    parking = group(LABEL_SPACE, "x", {"parking": [9], "rest": ["rest"]})
    with pytest.raises(ConfigError, match="void stands for"):
        LABEL_SPACE.train_ids_in(parking)


@pytest.mark.parametrize("count", [256, 1000])
def test_more_classes_than_a_byte_holds_are_refused(count):
    classes = [{"name": f"c{i}", "color": [0, 0, 0], "label_ids": [i]} for i in range(count)]
    with pytest.raises(DataError, match=f"has {count:,} classes; .* there can be 255"):
        LabelSpace.from_dict({"name": "many", "classes": classes})
    most = LabelSpace.from_dict({"name": "most", "classes": classes[:255], "void_ids": [255]})
    assert most.palette.shape == (256, 3)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": 7}, "name must be a word"),
        ({"classes": {}}, "classes must be a list"),
        ({"classes": [{"name": "a"}]}, "missing key classes.0.color"),
        ({"classes": [{"name": "a", "color": [1, 2, 256], "label_ids": [0]}]}, "classes.0.color must be three numbers"),
        ({"void_ids": [None]}, "void_ids.0 must be a whole number"),
        ({"void_label_id": 2**70}, "void_label_id must be a whole number"),
        ({"other": 1}, "unknown key other"),
    ],
)
def test_a_damaged_space_is_named_with_its_file(change, complaint):
    plain = LabelSpace("a", (LabelClass("road", (1, 2, 3), (0,)),)).to_dict()
    assert len(LabelSpace.from_dict(plain)) == 1
    with pytest.raises(DataError, match=f"labels.json: expected .*{complaint}"):
        LabelSpace.from_dict(plain | change, "labels.json")


def test_a_class_without_an_id_is_not_written():
    space = LabelSpace("a", (LabelClass("road", (1, 2, 3), ()),))
    with pytest.raises(DataError, match="no label id for road"):
        space.decode(np.zeros((1, 1), np.uint8))
