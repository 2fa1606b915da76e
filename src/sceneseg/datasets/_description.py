"""Description of a user's own images and masks in a small YAML file, or in a data set file of Ultralytics.

Everything but `names` is optional::

    names: [road, car]                        # or {0: road, 1: car}: the keys are the ids in the masks
    ids: {7: road, 26: car, 27: car, 0: void}   # where the ids in the masks aren't 0, 1, ...
    colors: {road: [128, 64, 128], car: "#00008e"}   # for images, and to read colored masks
    void: [255, [0, 0, 0]]                    # ids and colors without a class; 255 always is
    groups: {flat: [road], vehicle: [car]}    # categories
    path: .                                   # where the folders below are; that of this file when absent
    train: images/train                       # a folder or a list of files, or several
    val: images/val
    masks_dir: masks                          # takes the place of "images" in a path
    label_mapping: {7: 0, 26: 1, 0: 255}      # id in the masks -> number of the class

Keys of other programs that change labels (`ignore_index`, `reduce_zero_label`, `nc`, ...) are in `_foreign_keys`.

Source: the keys path to label_mapping are those of https://docs.ultralytics.com/datasets/semantic.
"""

import colorsys
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sceneseg.config.reading import read_yaml
from sceneseg.datasets._foreign_keys import FOREIGN, HARMLESS, IGNORED, as_list, translate
from sceneseg.datasets.masks import Color
from sceneseg.errors import ConfigError, DataError, did_you_mean
from sceneseg.labels import IGNORE_INDEX, LabelClass, LabelSpace

KEYS = (
    *("name", "names", "ids", "colors", "void", "groups", "path", "train", "val", "test"),
    "masks_dir",
    "label_mapping",
)
HIGHEST = 2**63 - 1
"""The highest id that a mask of whole numbers can hold."""
FILES = ("data.yaml", "dataset.yaml", "data.yml", "dataset.yml")
EXAMPLE = 'a data.yaml that names the classes, for example "names: [background, road]"'


@dataclass(frozen=True)
class Description:
    """Content of a description file.

    Args:
        label_space: The classes and their ids.
        colors: Label id of each color that a mask may have; empty when masks hold ids only.
        splits: Folders or lists of each split that the file names.
        base: Where they are.
        masks_dir: What "images" is replaced by.
    """

    label_space: LabelSpace
    colors: dict[Color, int]
    splits: dict[str, list[str]]
    base: Path
    masks_dir: str


def find_description(folder: Path) -> Path:
    """Return the YAML file that describes a folder.

    Raises:
        DataError: There is none, or several.
    """
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    found = sorted(p for p in folder.iterdir() if p.suffix in {".yaml", ".yml"})
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(p.name for p in found)
        raise DataError(f"{folder}: several YAML files ({names}). Give the one to use as root.", field="data.root")
    raise DataError(f"{folder}: there is no YAML file. Write {EXAMPLE}, and put it there.")


def read_description(file: Path) -> Description:
    """Read the file.

    Raises:
        DataError: The file is missing, or its contents don't fit.
    """
    try:
        content = read_yaml(file)
    except ConfigError as error:
        raise DataError(str(error)) from None
    _check_keys(content, file)
    content |= {key: _numbered(content[key], key, file) for key in ("names", "ids", "label_mapping") if key in content}
    names = _names(content.get("names"), file)
    content = translate(content, names, file)
    colors = _colors(content.get("colors"), names, file)
    void_ids, void_colors = _void(content.get("void", []), file)
    space = _space(content, names, colors, void_ids, file)
    by_color = {color: space.classes[i].label_ids[0] for i, color in enumerate(colors.values())}
    if len(by_color) < len(colors):
        raise DataError(f"{file}: two classes have the same color. Give each its own.")
    if colors:
        by_color |= dict.fromkeys(void_colors, space.void_label_id)
    splits = {key: _listed(content[key], key, file) for key in ("train", "val", "test") if content.get(key) is not None}
    masks_dir = _text(content.get("masks_dir"), "masks_dir", file) or "masks"
    return Description(space, by_color, splits, _base(_text(content.get("path"), "path", file), file), masks_dir)


def _check_keys(content: Mapping[str, object], file: Path) -> None:
    known = (*KEYS, *FOREIGN)
    for key in content:
        if key not in known and key not in HARMLESS:
            hint = did_you_mean(str(key), known)
            raise DataError(
                f'{file}: unknown key "{key}".{hint} It might change what the labels mean, so it isn\'t ignored. '
                f"Known: {', '.join(known)}. Free for remarks: description, info, notes, license, url, version."
            )
    if content.get("ids") is not None and content.get("label_mapping") is not None:
        raise DataError(f"{file}: ids and label_mapping say the same thing twice. Leave one of them out.")


def _names(given: Any, file: Path) -> dict[int, str]:
    """Return the classes by their number, in its order."""
    if isinstance(given, list):
        given = dict(enumerate(given))
    if not isinstance(given, dict) or not given or not all(type(key) is int for key in given):
        raise DataError(f"{file}: expected names, a list of classes or a mapping of ids to classes. Write {EXAMPLE}.")
    if given.get(IGNORE_INDEX) == "void" and len(given) > 1:  # it always is
        given = {key: name for key, name in given.items() if key != IGNORE_INDEX}
    for key, name in given.items():
        if not 0 <= key <= HIGHEST:
            raise DataError(f"{file}: names has the id {key} for {name!r}; ids of classes are 0 or more.")
        if type(name) not in (str, int) or not str(name).strip() or not _is_writable(str(name)):
            raise DataError(f"{file}: expected a class name in names, found {_shown(name)}.{_quote(name)}")
    names = {key: str(given[key]) for key in sorted(given)}
    if len({name.strip() for name in names.values()}) < len(names) or len(names) >= IGNORE_INDEX:
        raise DataError(f"{file}: names must be all different and fewer than {IGNORE_INDEX}, found {len(names)}.")
    return names


def _numbered(given: Any, key: str, file: Path) -> Any:
    """Return a mapping with numbers as keys in place of numbers in quotes, which is all that JSON has.

    Raises:
        DataError: A number is there twice, with and without quotes.
    """
    if not isinstance(given, dict):
        return given
    numbered: dict[Any, Any] = {}
    for label_id, meaning in given.items():
        is_number = isinstance(label_id, str) and re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", label_id)
        number = int(label_id) if is_number else label_id
        if is_number and (number in numbered or number in given):
            raise DataError(f"{file}: {key} has {number} twice, with and without quotes. Keep one.")
        numbered[number] = meaning
    return numbered


def _colors(given: Any, names: dict[int, str], file: Path) -> dict[str, Color]:
    """Return the color of every class in their order; empty when no colors are given."""
    if given in (None, [], {}):
        return {}
    if isinstance(given, list) and len(given) == len(names):
        given = dict(zip(names.values(), given, strict=True))
    if not isinstance(given, dict):
        number = f"{len(given)} of them for {len(names)} names" if isinstance(given, list) else _shown(given)
        raise DataError(f"{file}: expected colors, a mapping of every class to its color, found {number}.")
    for name in given:
        if name not in names.values():
            hint = did_you_mean(str(name), names.values())
            raise DataError(f'{file}: a color for "{name}", which isn\'t among the names.{hint}')
    if missing := [name for name in names.values() if name not in given]:
        raise DataError(f"{file}: no color for {', '.join(missing)}. Give every class one, or leave colors out.")
    return {name: _color(given[name], file) for name in names.values()}


def _color(given: Any, file: Path) -> Color:
    channels = given
    if isinstance(given, str) and re.fullmatch("#?[0-9a-fA-F]{6}", given):
        channels = list(bytes.fromhex(given.removeprefix("#")))
    if (
        not isinstance(channels, list)
        or len(channels) != 3
        or not all(type(v) is int and 0 <= v <= 255 for v in channels)
    ):
        hint = " Put it in quotes: # begins a comment." if given is None else ""
        raise DataError(f'{file}: expected a color as [red, green, blue] or "#rrggbb", found {_shown(given)}.{hint}')
    return (channels[0], channels[1], channels[2])


def _void(given: Any, file: Path) -> tuple[list[int], list[Color]]:
    entries = given if isinstance(given, list) else [] if given is None else [given]
    if isinstance(given, dict | str) and not str(given).startswith("#"):
        raise DataError(f"{file}: expected ids or colors in void, found {_shown(given)}.")
    ids = [entry for entry in entries if type(entry) is int]
    if high := [entry for entry in ids if abs(entry) > HIGHEST]:
        raise DataError(f"{file}: no mask can hold the id {high[0]} of void. Leave it out.")
    return ids, [_color(entry, file) for entry in entries if type(entry) is not int]


def _space(
    content: Mapping[str, object], names: dict[int, str], colors: dict[str, Color], void_ids: list[int], file: Path
) -> LabelSpace:
    ids = _ids(content, names, file)
    if empty := [name for name in names.values() if name not in ids.values()]:
        raise DataError(f"{file}: no id stands for {', '.join(empty)}. Add it to ids, or leave the class out.")
    groups = _groups(content.get("groups"), names, file)
    shown = colors or dict(zip(names.values(), palette(len(names)), strict=True))
    classes = []
    for name in names.values():
        stored = tuple(label_id for label_id, meaning in ids.items() if meaning == name)
        classes.append(LabelClass(name, shown[name], stored, groups.get(name, "")))
    void = [i for i, meaning in ids.items() if meaning is None]
    void += [i for i in (*void_ids, IGNORE_INDEX) if i not in ids]
    if wrong := [i for i in void_ids if ids.get(i) is not None]:
        raise DataError(f"{file}: the id {wrong[0]} is void and the class {ids[wrong[0]]}. Say one of them.")
    written = [i for i in void if 0 <= i < 256]
    void_label_id = IGNORE_INDEX if IGNORE_INDEX in void else min(written, default=IGNORE_INDEX)
    given = content.get("name")
    name = _text(str(given) if type(given) is int else given, "name", file) or file.resolve().parent.name
    return LabelSpace(name, tuple(classes), tuple(dict.fromkeys(void)), void_label_id)


def _ids(content: Mapping[str, object], names: dict[int, str], file: Path) -> dict[int, str | None]:
    """Return which class each stored id stands for, None where void."""
    key = "ids" if content.get("ids") is not None else "label_mapping"
    given = content.get(key)
    if given is None:
        return dict(names.items())
    if not isinstance(given, dict):
        raise DataError(f"{file}: expected {key}, a mapping of ids to classes, found {_shown(given)}.")
    known: dict[object, str | None] = {"void": None} | {name: name for name in names.values()}
    if key == "label_mapping":
        known = {IGNORE_INDEX: None, -1: None, "ignore_label": None, **dict.fromkeys(as_list(content.get(IGNORED)))}
        known |= names.items()
    ids = {}
    for label_id, meaning in given.items():
        if type(label_id) is not int or type(meaning) not in (int, str) or meaning not in known:
            hint = did_you_mean(str(meaning), [str(word) for word in known])
            raise DataError(
                f'{file}: in {key} "{label_id}: {meaning}" isn\'t an id with a class of names, or with void.{hint}'
            )
        if abs(label_id) > HIGHEST or (label_id < 0 and known[meaning] is not None):
            raise DataError(f"{file}: no mask of a class can hold the id {label_id} of {key}. Correct it.")
        ids[label_id] = known[meaning]
    return ids


def _groups(given: Any, names: dict[int, str], file: Path) -> dict[str, str]:
    """Return the category of each class that has one."""
    if not isinstance(given, dict | None):
        raise DataError(f"{file}: expected groups, a mapping of categories to classes, found {_shown(given)}.")
    categories: dict[str, str] = {}
    for category, members in (given or {}).items():
        for name in members if isinstance(members, list) else [members]:
            if type(category) not in (str, int) or type(name) not in (str, int):
                raise DataError(f"{file}: expected names in groups, found {_shown(category)} with {_shown(members)}.")
            if str(name) not in names.values() or str(name) in categories:
                problem = "is in two groups" if str(name) in categories else "isn't among the names"
                raise DataError(f'{file}: "{name}" in groups {problem}.{did_you_mean(str(name), names.values())}')
            categories[str(name)] = str(category)
    return categories


def palette(length: int) -> list[Color]:
    """Return distinct colors, for classes that have none."""
    hues = ((i * 0.618034) % 1 for i in range(length))  # the golden section never comes close to an earlier hue
    values = (colorsys.hsv_to_rgb(hue, 0.55 + 0.4 * (i % 2), 0.95 - 0.2 * (i % 3)) for i, hue in enumerate(hues))
    return [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in values]


def _listed(given: Any, key: str, file: Path) -> list[str]:
    entries: Iterable[Any] = given if isinstance(given, list) else [given]
    return [entry for entry in (_text(entry, key, file) for entry in entries) if entry]


def _text(given: Any, key: str, file: Path) -> str:
    """Return a value that must be text; empty when absent."""
    if given is not None and not isinstance(given, str):
        raise DataError(f"{file}: expected {key} as text, found {_shown(given)}.{_quote(given)}")
    if given and not _is_writable(given):
        raise DataError(f"{file}: {key} can't be the name of a file: {given[:60]!a}. Write it again.")
    return given or ""


def _is_writable(text: str) -> bool:
    """Return whether text can be the name of a file: without zero bytes and halves of characters, and not too long."""
    whole = "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
    return whole and all(len(part.encode()) < 256 for part in text.split("/"))


def _base(path: str, file: Path) -> Path:
    """Return where the folders are: `path`, which on another machine may not exist; then where the file is."""
    below = file.parent / Path(path or ".").expanduser()  # an absolute path stays itself
    return below if below.is_dir() else file.parent


def _shown(given: Any) -> str:
    """Return what was found, for a message."""
    if given is None:
        return "nothing"
    text = str(given)[:60].encode(errors="backslashreplace").decode()  # halves of characters can't be printed
    words = {bool: "a truth value", list: "a list", dict: "a mapping", str: "the text"}
    return f"{words.get(type(given), 'the ' + type(given).__name__)} {text}"


def _quote(given: Any) -> str:
    """Return the cure for what YAML read as something else than text."""
    return "" if isinstance(given, list | dict | None) else " Put it in quotes, so that YAML reads it as text."
