"""Which class of a data set each class of a model stands for."""

from types import SimpleNamespace

import pytest

from sceneseg.errors import ConfigError
from sceneseg.evaluation.scoring import read_label_map
from sceneseg.labels import LabelClass, LabelSpace


def space(name, *classes):
    return LabelSpace(name, tuple(LabelClass(c, (1, 2, 3), (i,)) for i, c in enumerate(classes)))


MODEL = SimpleNamespace(label_space=space("ours", "road", "car"))
TARGET = space("theirs", "vehicle", "ground")


def read(tmp_path, text):
    (tmp_path / "map.yaml").write_text(text)
    return read_label_map(tmp_path / "map.yaml", MODEL, TARGET)


def test_classes_and_void(tmp_path):
    assert read(tmp_path, "road: ground\ncar: void\n")[:2].tolist() == [1, 255]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("road: [ground]\ncar: vehicle", r'found "road: \[\'ground\'\]"'),
        ("road: {ground: 1}\ncar: vehicle", 'found "road: {'),
        ("road: 1\ncar: 0", 'found "road: 1".*in quotes what YAML reads as a number'),
        ("road: ~\ncar: vehicle", 'found "road: None"'),
        ("0: ground\ncar: vehicle", 'found "0: ground"'),
        ("no: ground", 'found "False: ground"'),
        ("road: grund\ncar: vehicle", 'theirs has no class "grund".*Did you mean "ground"'),
        ("road: ground", "no entry for car"),
        ("- road", "expected a mapping of keys to values"),
        ("", "no entry for road, car"),
    ],
)
def test_faulty_maps_get_one_sentence(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        read(tmp_path, text)
