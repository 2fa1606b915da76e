import numpy as np
import pytest

from sceneseg.datasets.cityscapes import LABEL_SPACE as CITYSCAPES
from sceneseg.errors import ConfigError, RunError
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.sizes import COCO_EDGES, band_names, size_bands
from sceneseg.metrics.table import band_table
from sceneseg.records.scores import BandScores

ROAD, PERSON, CAR = 0, 11, 13


def scene():
    """A person of 4 pixels (1 found), one of 12 (all found), a car of 9 (3 found, 6 taken for a truck)."""
    labels, instances = np.zeros((8, 12), np.uint8), np.zeros((8, 12), np.int32)
    prediction = labels.copy()
    labels[0:2, 0:2], instances[0:2, 0:2], prediction[0, 0] = PERSON, 1, PERSON
    labels[4:7, 0:4], instances[4:7, 0:4], prediction[4:7, 0:4] = PERSON, 2, PERSON
    labels[0:3, 6:9], instances[0:3, 6:9], prediction[0:3, 6:9] = CAR, 3, 14
    prediction[0, 6:9] = CAR
    return labels, prediction, instances


@pytest.fixture
def counts():
    counts = SemanticCounts(CITYSCAPES)
    counts.add("b", *scene())
    counts.add("a", *scene())
    empty = np.zeros((8, 12), np.uint8)
    counts.add("c", empty, empty, empty.astype(np.int32))
    return counts


def test_objects_by_hand(counts):
    bands = size_bands(counts, [9, 12])
    assert bands.classes["person"] == [
        BandScores(2, 0.25, 0.0),
        BandScores(0),
        BandScores(2, 1.0, 1.0),
    ]
    assert bands.classes["car"][1] == BandScores(2, pytest.approx(1 / 3), 0.0)
    assert bands.all[2] == BandScores(2, 1.0, 1.0)
    assert "road" not in bands.classes


def test_objects_survive_being_stored(counts, tmp_path):
    counts.save(tmp_path / "confusion.npz")
    again = SemanticCounts.load(tmp_path / "confusion.npz")
    assert size_bands(again, [9]) == size_bands(counts, [9])
    assert again.images["c"].objects.numbers.size == 0
    assert again.images["b"].objects.numbers.tolist() == [1, 2, 3]


def test_table_says_the_same(counts):
    table = band_table(size_bands(counts, [9, 12]))
    person = next(line for line in table.splitlines() if line.startswith("person"))
    assert person.split()[1:] == [":", "0.250", "0.000", "2", "-", "1.000", "1.000", "2"]
    assert "9 – 11" in table


def test_names_of_bands():
    assert band_names(COCO_EDGES) == ["< 1,024", "1,024 – 9,215", "≥ 9,216"]
    assert band_names([50]) == ["< 50", "≥ 50"]


@pytest.mark.parametrize("edges", [[], [9, 3], [3, 3], [0, 5]])
def test_edges_must_ascend(counts, edges):
    with pytest.raises(ConfigError, match="ascend"):
        size_bands(counts, edges)


def test_data_without_objects_is_told_so():
    counts = SemanticCounts(CITYSCAPES)
    counts.add("a", *scene()[:2])
    with pytest.raises(RunError, match="no single objects"):
        size_bands(counts)
