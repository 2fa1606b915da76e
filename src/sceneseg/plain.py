"""Plain data, as JSON and YAML give it, read as records: each value is compared with the type that its field has."""

import dataclasses
import json
import math
import types
from contextlib import suppress
from functools import cache
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

WORDS = {
    float: "a number",
    int: "a whole number",
    str: "a word",
    bool: "true or false",
    list: "a list",
    tuple: "a list",
}
LARGEST = 2**63
"""Whole numbers stay below, so that arrays can hold them."""


BESIDE = {"beside": True}
"""Metadata of a dataclass's field that is a mapping: in a file, its entries stand among the record's other keys."""


class UnfitError(ValueError):
    """Expected and found values, without the file's name; the caller that knows the file adds it."""


def parse_json(text: str) -> Any:
    """Read JSON as its standard has it: Python takes numbers that are none, and halves of characters, too.

    Raises:
        ValueError: It isn't JSON.
    """
    try:
        data = json.loads(text, parse_float=_finite, parse_constant=_finite)
        if "\\ud" in text.lower():  # a half of a character that no file takes raises a ValueError
            json.dumps(data, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("lists and mappings lie in each other too deep") from None
    return data


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def as_record(kind: Any, value: Any, key: str = "") -> Any:
    """Return plain data as a record.

    Keys that a dataclass doesn't have go into its field that is marked `BESIDE`; without one they are refused.

    Args:
        kind: A dataclass, whose fields may be dataclasses, lists, tuples, mappings, literals and plain types.
        value: Nested mappings, lists and plain values. Fields with a default may be missing.
        key: Where the value lies, "results.0."; begins the message.

    Raises:
        UnfitError: A key that is unknown or missing, a value of another type, or a number that isn't finite.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(parts, value, key)
    if dataclasses.is_dataclass(kind) and type(value) in (dict, kind):  # the latter is read already
        return _dataclass(kind, value, key) if isinstance(value, dict) else value
    if origin is list and isinstance(value, list):
        return [as_record(parts[0], item, f"{key}{i}.") for i, item in enumerate(value)]
    if origin is tuple and isinstance(value, list | tuple) and parts[-1] is Ellipsis:
        return tuple(as_record(parts[0], item, f"{key}{i}.") for i, item in enumerate(value))
    if origin is tuple and isinstance(value, list | tuple) and len(value) == len(parts):
        return tuple(as_record(k, item, key) for k, item in zip(parts, value, strict=True))
    if origin is Literal and value in parts and type(value) is type(parts[parts.index(value)]):
        return value
    if (origin or kind) is dict and isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {k: v if parts[1] in (Any, object) else as_record(parts[1], v, f"{key}{k}.") for k, v in value.items()}
    plain = _plain(kind, value)
    if plain is None:
        raise UnfitError(f"{key.rstrip('.')} must be {_expected(kind)}, found {_shown(value)}")
    return plain


def _one_of(kinds: tuple[Any, ...], value: Any, key: str) -> Any:
    """Return a value as the first of several types that it fits."""
    if value is None and types.NoneType in kinds:
        return None
    *first, last = (kind for kind in kinds if kind is not types.NoneType)
    for choice in first:
        with suppress(UnfitError):
            return as_record(choice, value, key)
    return as_record(last, value, key)  # whose message it is when none fits


def as_known_record(kind: Any, value: Any, key: str = "") -> Any:
    """Return plain data as a record; keys that the dataclass doesn't have, as those of a later version, are left out.

    Args:
        kind: The dataclass.
        value: A mapping.
        key: Where the value lies; begins the message.

    Raises:
        UnfitError: As in `as_record`.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Size:
        ...     height: int
        ...     width: int
        >>> as_known_record(Size, {"height": 360, "width": 480, "depth": 3})
        Size(height=360, width=480)
    """
    given = as_record(dict[str, object], value, key or "the file")
    return as_record(kind, {k: v for k, v in given.items() if k in _fields(kind).hints}, key)


def _dataclass(kind: Any, value: dict[Any, Any], key: str) -> Any:
    hints, needed, beside = _fields(kind)
    odd = {k: v for k, v in value.items() if k not in hints or k == beside}
    if odd and not beside:
        raise UnfitError(f"unknown key {key}{next(iter(odd))}")
    if missing := [k for k in needed if k not in value]:
        raise UnfitError(f"missing key {key}{missing[0]}")
    found = {k: as_record(hints[k], v, f"{key}{k}.") for k, v in value.items() if k not in odd}
    return kind(**found | ({beside: as_record(hints[beside], odd, key)} if beside else {}))


class _Fields(NamedTuple):
    """The fields of a dataclass: their types, those without a default, and the one whose entries stand among them."""

    hints: dict[str, object]
    needed: tuple[str, ...]
    beside: str


@cache
def _fields(kind: Any) -> _Fields:
    absent, hints, beside, needed = dataclasses.MISSING, get_type_hints(kind), "", []
    for field in dataclasses.fields(kind):
        if field.metadata.get("beside"):
            beside = field.name
        elif field.default is field.default_factory is absent:
            needed.append(field.name)
    return _Fields(hints, tuple(needed), beside)


def _plain(kind: Any, value: Any) -> Any:
    """Return a number, word or switch of exactly that type, None where it isn't one."""
    if kind is float and type(value) in (int, float):
        return float(value) if abs(value) < LARGEST and math.isfinite(value) else None
    if kind is int and type(value) is int:
        return value if abs(value) < LARGEST else None
    return value if kind in (str, bool) and type(value) is kind else None


def _expected(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    plain = get_origin(kind) or kind
    return WORDS.get(plain, "a mapping")


def _shown(value: Any) -> str:
    """Write a value for a message, however long or deep it is."""
    if isinstance(value, dict | list):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    text = repr(value) if not isinstance(value, int) or abs(value) < LARGEST else "a number of over 18 digits"
    return text if len(text) < 80 else f"{text[:76]} ..."
