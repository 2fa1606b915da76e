"""The header of a weights file: what it says of the model, as plain data whose types are checked."""

from dataclasses import dataclass, fields
from typing import Any

from sceneseg.errors import ScenesegError
from sceneseg.labels import LabelSpace
from sceneseg.plain import UnfitError, as_record, parse_json


@dataclass(frozen=True)
class _Model:
    name: str


@dataclass(frozen=True)
class _Known:
    """The keys that every reader may rely on, if they are there; a header may have others."""

    format: int
    sceneseg_version: str
    model: _Model | None = None
    task: str | None = None
    input: dict[str, Any] | None = None
    label_space: dict[str, Any] | None = None
    classes: list[str] | None = None
    void_output: int | None = None
    score: dict[str, Any] | None = None


def parse_header(text: str) -> dict[str, Any]:
    """Read the JSON of a header.

    Raises:
        UnfitError: It isn't JSON, or a value is of another type than `save_weights` writes.
    """
    try:
        header = parse_json(text)
    except ValueError as error:
        raise UnfitError(f"it isn't JSON ({error})") from None
    if not isinstance(header, dict):
        raise UnfitError(f"expected named values, found a {type(header).__name__}")
    given = {field.name: header[field.name] for field in fields(_Known) if field.name in header}
    if isinstance(given.get("model"), dict):
        given["model"] = {key: value for key, value in given["model"].items() if key == "name"}
    known: _Known = as_record(_Known, given)
    outputs = len(known.classes or ())
    if known.label_space is not None:
        outputs = _classes(known.label_space)
    if known.void_output is not None and not 0 <= known.void_output <= outputs:
        raise UnfitError(f"void_output must be one of {outputs + 1} outputs, found {known.void_output}")
    _check_score(known.score or {})
    return header


def _classes(label_space: dict[str, Any]) -> int:
    try:
        return len(LabelSpace.from_dict(label_space))
    except ScenesegError as error:
        raise UnfitError(f"label_space: {error}") from None


def _check_score(score: dict[str, Any]) -> None:
    protocol = score.get("protocol")
    if protocol is not None and not (isinstance(protocol, dict) and isinstance(protocol.get("dataset"), str | None)):
        raise UnfitError("score.protocol must be named facts with the data set's name")
    for key, value in score.items():
        if key != "protocol":
            as_record(float | None, value, f"score.{key}")
