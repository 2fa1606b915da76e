import numpy as np
import pytest

from sceneseg.data.cityscapes import LABEL_SPACE, LABELS
from sceneseg.errors import DataError
from sceneseg.labels import LabelClass, LabelSpace


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


def test_plain_data_round_trip():
    assert LabelSpace.from_dict(LABEL_SPACE.to_dict()) == LABEL_SPACE
    assert LABEL_SPACE.categories == ["flat", "construction", "object", "nature", "sky", "human", "vehicle"]
