"""JSON files as records: the format number first, then every value against the type of its field."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sceneseg.errors import RunError
from sceneseg.plain import UnfitError, as_record
from sceneseg.records.run_directory import read_json

T = TypeVar("T")


def read_record(
    kind: type[T],
    file: Path,
    *,
    cure: str,
    newest: int = 1,
    adapt: Callable[[dict[str, object]], dict[str, object]] = dict,
    check: Callable[[T], None] | None = None,
) -> T:
    """Read a JSON file as a record.

    Args:
        kind: The dataclass, without the number of the file's ``format``.
        file: The JSON file.
        cure: What to do about a damaged file, a sentence; ends the message.
        newest: The newest format that is read; files without a ``format`` are of format 1.
        adapt: Brings the contents of files of other versions into the form of the record.
        check: Raises an UnfitError for what the types don't tell.

    Raises:
        RunError: The file is missing, damaged or of a newer format.

    Example:
        >>> import tempfile
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Note:
        ...     text: str
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "note.json")
        ...     _ = file.write_text('{"format": 1, "text": "dry road"}')
        ...     read_record(Note, file, cure="Write it again.")
        Note(text='dry road')
    """
    data = read_json(file)
    try:
        if not isinstance(data, dict):
            raise UnfitError(f"it must be a mapping, found a {type(data).__name__}")
        number = as_record(int, data.get("format", 1), "format")
        if number > newest:
            raise RunError(f"{file}: written by a newer sceneseg (format {number}). Update sceneseg.")
        record: T = as_record(kind, adapt({key: value for key, value in data.items() if key != "format"}))
        if check is not None:
            check(record)
    except UnfitError as error:
        raise RunError(f"{file}: damaged: {error}. {cure}") from None
    return record
