"""The table of a results folder, `predictions.csv`: which result belongs to which source, and what made it."""

import csv
import io
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from sceneseg.errors import RunError
from sceneseg.records import run_directory

FILE = "predictions.csv"


@dataclass(frozen=True)
class Row:
    """Source with its results; paths are relative to the results folder, with slashes.

    Args:
        source: The image or video.
        bytes: Its size.
        sha256: Of its content.
        label_ids: The file with the data set's own ids; empty where there is none, like the others.
        color: The palette PNG.
        overlay: The classes over the image or video.
        classes: The file with a classifier's answers.
        weights_sha256: Of the weights, or of the exported file.
        target_size: HEIGHTxWIDTH that the network saw, where it was chosen.
        problem: What is wrong with the source or result, of a video that was cut off for example.
    """

    source: str
    bytes: int
    sha256: str
    label_ids: str = ""
    color: str = ""
    overlay: str = ""
    classes: str = ""
    weights_sha256: str = ""
    target_size: str = ""
    problem: str = ""

    @property
    def outputs(self) -> list[str]:
        """The files that were made."""
        return [file for file in (self.label_ids, self.color, self.overlay, self.classes) if file]

    @property
    def name(self) -> str:
        """Stem of the files' names."""
        return self.overlay.rpartition("_overlay.")[0]


COLUMNS = [field.name for field in fields(Row)]


class Predictions:
    """The rows of a results folder, one for each source; a context manager.

    A row is appended when its files are written, so that a broken-off call leaves a table of what is there. Where a
    source has two rows because the process was killed, the last one counts.

    Args:
        folder: The results folder; it may be missing.

    Raises:
        RunError: Its `predictions.csv` is another program's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE
        found = read(self.path) if self.path.is_file() else []
        self.rows = {row.source: row for row in found}
        self._appending, self._twice = False, len(found) > len(self.rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._twice:
            self._write()

    def key(self, file: Path) -> str:
        """Return how a source is called in the table: relative to the folder where that is possible."""
        full = os.path.abspath(file)
        try:
            return Path(os.path.relpath(full, os.path.abspath(self.folder))).as_posix()
        except ValueError:  # another drive
            return Path(full).as_posix()

    def add(self, row: Row) -> None:
        """Add a row, in place of an earlier one of the same source."""
        self._twice = self._twice or row.source in self.rows
        self.rows[row.source] = row
        if not self._appending:  # the first writes all, for the last line may have been broken off
            self._write()
            return
        with self.path.open("a", newline="", encoding="utf-8", errors="surrogateescape") as file:
            file.write(_text([row]))

    def remove(self, source: str) -> None:
        """Take out the row of a source, if there is one."""
        if self.rows.pop(source, None) is not None:
            self._write()

    def complete(self, row: Row) -> bool:
        """Return whether all files of a row are there, not empty, and without a problem."""
        files = [self.folder / output for output in row.outputs]
        return bool(files) and not row.problem and all(file.is_file() and file.stat().st_size for file in files)

    def _write(self) -> None:
        with run_directory.atomic(self.path) as temporary:
            text = ",".join(COLUMNS) + "\n" + _text(self.rows.values())
            temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
        self._appending, self._twice = True, False


def read(path: Path) -> list[Row]:
    """Read a table; a last line that was broken off is left out.

    Raises:
        RunError: It isn't such a table.
    """
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        text = file.read()
    reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
    try:
        columns, lines = list(reader.fieldnames or []), list(reader)
    except csv.Error as error:
        raise RunError(f"{path}: not readable as a table ({error}). Choose another folder for the results.") from None
    if columns != COLUMNS:
        raise RunError(
            f"{path}: expected the table of earlier predictions with the columns {', '.join(COLUMNS)}, found "
            f"{', '.join(columns or ['nothing'])}. Choose another folder for the results."
        )
    rows = []
    for number, cells in enumerate(lines, 2):
        if None in cells or None in cells.values() or not re.fullmatch("[0-9]{1,18}", cells["bytes"]):
            raise RunError(f"{path}, row {number}: not readable. Remove the row, or choose another folder.")
        rows.append(Row(**cells | {"bytes": int(cells["bytes"])}))  # type: ignore[arg-type]
    return rows


def outputs_in(folder: Path) -> set[Path]:
    """Return the results that a folder's table lists; none where there is no table of ours."""
    path = folder / FILE
    try:
        return {folder / output for row in read(path) for output in row.outputs} | {path}
    except (OSError, RunError, ValueError, csv.Error):
        return set()


def _text(rows: Iterable[Row]) -> str:
    buffer = io.StringIO(newline="")
    csv.DictWriter(buffer, COLUMNS, lineterminator="\n").writerows(asdict(row) for row in rows)
    return buffer.getvalue()
