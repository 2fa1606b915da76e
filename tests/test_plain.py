"""JSON as its standard has it, and plain data as records."""

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from sceneseg.plain import BESIDE, UnfitError, as_known_record, as_record, parse_json


@dataclass(frozen=True)
class Inner:
    size: tuple[int, int]
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Outer:
    name: str
    share: float | None = None
    inner: list[Inner] = field(default_factory=list)
    numbers: tuple[int, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def test_a_record_is_what_its_types_say():
    given = {"name": "x", "share": 1, "inner": [{"size": [3, 4]}], "numbers": [1, 2], "facts": {"y": [None]}}
    found = as_record(Outer, given)
    assert found == Outer("x", 1.0, [Inner((3, 4))], (1, 2), {"y": [None]})
    assert type(found.share) is float
    assert as_record(Outer, {"name": "x"}) == Outer("x")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "missing key name"),
        ({"name": "x", "nmae": "y"}, "unknown key nmae"),
        ({"name": 7}, "name must be a word, found 7"),
        ({"name": "x", "share": float("nan")}, "share must be a number, found nan"),
        ({"name": "x", "share": 10**400}, "share must be a number, found a number of over 18 digits"),
        ({"name": "x", "share": True}, "share must be a number, found True"),
        ({"name": "x", "inner": {}}, "inner must be a list, found a mapping of 0"),
        ({"name": "x", "inner": [7]}, "inner.0 must be a mapping, found 7"),
        ({"name": "x", "inner": [{"size": [1]}]}, "inner.0.size must be a list, found a list of 1"),
        ({"name": "x", "inner": [{"size": [1, 2.0]}]}, "inner.0.size must be a whole number, found 2.0"),
        ({"name": "x", "inner": [{"size": [1, 2], "kind": "c"}]}, "inner.0.kind must be one of a, b, found 'c'"),
        ({"name": "x", "numbers": [2**64]}, "numbers.0 must be a whole number"),
        ({"name": "x", "facts": {1: 2}}, "facts must be a mapping"),
        ([], "must be a mapping, found a list of 0"),
    ],
)
def test_what_does_not_fit_is_named(given, complaint):
    with pytest.raises(UnfitError, match=complaint):
        as_record(Outer, given)


@pytest.mark.parametrize("text", ["", "{", "[NaN]", "[-Infinity]", "[1e999]", r'["\ud83d"]', "[" * 100_000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match="."):
        parse_json(text)


def test_what_is_json_is_read():
    assert parse_json(r'{"a": [1, 2.5, "\ud83d\ude00", "C:\\udata\\ud8ab"]}') == {
        "a": [1, 2.5, "😀", r"C:\udata\ud8ab"]
    }


@dataclass(frozen=True)
class Measured:
    name: str
    scores: dict[str, float | None] = field(default_factory=dict, metadata=BESIDE)


def test_unknown_keys_go_into_the_field_beside():
    found = as_record(list[Measured], [{"name": "a", "iou": 1, "dice": None, "scores": 0.5}])
    assert found == [Measured("a", {"iou": 1.0, "dice": None, "scores": 0.5})]
    assert as_record(Measured, {"name": "a"}) == Measured("a")
    with pytest.raises(UnfitError, match=r"^runs\.0\.iou must be a number"):
        as_record(list[Measured], [{"name": "a", "iou": "high"}], "runs.")
    assert as_record(list[Measured], found) == found


def test_keys_of_later_versions_are_left_out():
    assert as_known_record(Inner, {"size": [3, 4], "depth": 5}) == Inner((3, 4))
    with pytest.raises(UnfitError, match="the file must be a mapping"):
        as_known_record(Inner, [])


def test_every_type_of_a_union_is_tried():
    assert as_record(Literal["native"] | tuple[int, int] | None, "native") == "native"
    assert as_record(Literal["native"] | tuple[int, int] | None, [3, 4]) == (3, 4)
    with pytest.raises(UnfitError, match="must be a list"):
        as_record(Literal["native"] | tuple[int, int] | None, "wide")


@pytest.mark.parametrize("kind", [dict[str, Any], dict[str, object]])
def test_values_of_free_mappings_are_taken_as_they_are(kind):
    assert as_record(kind, {"x": [None, {"y": 1}]}) == {"x": [None, {"y": 1}]}
    with pytest.raises(UnfitError, match="must be a mapping"):
        as_record(kind, {1: "x"}, "facts")
