"""Lists of images and masks, in the forms that people write them: on Windows, in spreadsheets, for other programs."""

import codecs
import os
import re
from pathlib import Path

from sceneseg.datasets.files import IMAGES
from sceneseg.errors import DataError

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
HEADERS = {"image", "images", "img", "picture", "file", "filename", "file_name", "path", "mask", "masks", "label"}
HEADERS |= {"labels", "annotation", "annotations", "image_path", "mask_path", "label_path", "img_path", "seg_path"}
QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')\s*(?:[,;\t]|\s|$)""")


def read_lines(file: Path) -> list[tuple[int, str]]:
    """Return the lines of a text file that aren't blank, with their numbers from 1.

    Raises:
        DataError: It can't be read, or isn't text in UTF-8, or in UTF-16 with a byte order mark.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: the list can't be read ({error.strerror}).") from None
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise DataError(f"{file}: expected a list of files as UTF-8 text, found another encoding. Save it as UTF-8.")
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def read_list(file: Path, base: Path) -> list[tuple[int, list[str]]]:
    """Return the entries of a list, one or two to a line, each with its line's number.

    Comments and a header are left out, quotes taken off. What can be read in one way only is read: of a line with
    spaces in the names, the one division that gives two files.

    Args:
        file: The list.
        base: What its paths are relative to.

    Raises:
        DataError: It isn't text, or a line has more than two columns.
    """
    lines = read_lines(file)
    entries = [(number, _columns(file, number, line, base)) for number, line in lines if not _is_comment(line, base)]
    if len(entries) > 1 and all(word.lower() in HEADERS for word in entries[0][1]):
        entries = entries if find(entries[0][1][0], base, file) else entries[1:]
    return entries


def find(written: str, base: Path, file: Path) -> Path | None:
    """Return the file that an entry means, None where there is none.

    Args:
        written: As it stands in the list: with slashes or backslashes, relative to `base` or to the list, perhaps
            with a slash before it.
        base: What paths are relative to.
        file: The list.
    """
    for spelling in dict.fromkeys((written, written.replace("\\", "/"))):
        for place in (base / spelling, base / spelling.lstrip("/"), file.parent / spelling.lstrip("/")):
            if os.path.lexists(place):
                return place
    return None


def _is_comment(line: str, base: Path) -> bool:
    return line.startswith("#") and not (base / line).exists() and not (base / line.split()[0]).exists()


def _columns(file: Path, number: int, line: str, base: Path) -> list[str]:
    """Divide a line into an image and perhaps a mask."""
    if quoted := _unquoted(line):
        columns = quoted
    elif "\t" in line:
        columns = [part.strip() for part in line.split("\t") if part.strip()]
    else:
        columns = re.split(r"\s*[,;]\s*|\s+", line.rstrip(",;"))
    if len(columns) == 1 or (len(columns) == 2 and find(columns[0], base, file)):
        return columns
    if find(line, base, file):  # an image alone, with spaces in its name
        return [line]
    if len(columns) == 2:
        return columns
    pairs = [[line[: m.start()], line[m.end() :]] for m in re.finditer(r"\s*[,;]\s*|\s+", line)]
    whole = [pair for pair in pairs if all(pair) and all(find(part, base, file) for part in pair)]
    if len(whole) == 1:
        return whole[0]
    raise DataError(
        f'{file}, line {number}: expected "image mask", found {len(columns)} columns. '
        f"Put a tab between the two where names have spaces."
    )


def _unquoted(line: str) -> list[str]:
    """Return the parts of a line that stand in quotes, if all of it does."""
    parts, at = [], 0
    while at < len(line):
        match = QUOTED.match(line, at)
        if match is None:
            return []
        parts.append(match[1] if match[1] is not None else match[2])
        at = match.end()
    return parts


def by_stem(stem: str, folders: list[Path]) -> Path | None:
    """Return the only image of that stem in the first of some folders that has one; None where there are several."""
    for folder in folders:
        found = [folder / f"{stem}{ending}" for ending in IMAGES if (folder / f"{stem}{ending}").is_file()]
        if found:
            return found[0] if len(found) == 1 else None
    return None
