"""What a small YAML file says of somebody's own images and masks; data set files of Ultralytics are read as they are.

Everything but `names` is optional::

    names: [road, car]                        # or {0: road, 1: car}: the keys are the ids in the masks
    ids: {7: road, 26: car, 27: car, 0: void}   # where the ids in the masks aren't 0, 1, ...
    colors: {road: [128, 64, 128], car: "#00008e"}   # for pictures, and to read coloured masks
    void: [255, [0, 0, 0]]                    # ids and colours without a class; 255 always is
    groups: {flat: [road], vehicle: [car]}    # categories
    path: .                                   # where the folders below are; that of this file when absent
    train: images/train                       # a folder or a list of files, or several
    val: images/val
    masks_dir: masks                          # takes the place of "images" in a path
    label_mapping: {7: 0, 26: 1, 0: 255}      # id in the masks -> number of the class

Source: the keys path to label_mapping are those of https://docs.ultralytics.com/datasets/semantic.
"""

import colorsys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sceneseg.config.schema import read_yaml
from sceneseg.errors import ConfigError, DataError, did_you_mean
from sceneseg.labels import IGNORE_INDEX, LabelClass, LabelSpace

Color = tuple[int, int, int]
KEYS = (
    *("name", "names", "ids", "colors", "void", "groups", "path", "train", "val", "test"),
    "masks_dir",
    "label_mapping",
)
FOREIGN = {"nc", "download", "channels", "license", "author", "version", "date", "description", "task", "roboflow"}
"""Keys of other programs that say nothing about the labels."""
FILES = ("data.yaml", "dataset.yaml", "data.yml", "dataset.yml")
EXAMPLE = 'a data.yaml that names the classes, for example "names: [background, road]"'


@dataclass(frozen=True)
class Description:
    """What the file says.

    Args:
        label_space: The classes and their ids.
        colors: Label id of each colour that a mask may have; empty when masks hold ids only.
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
        raise DataError(f"{folder}: several YAML files ({names}). Give the one to use with -p FILE.")
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
    names = _names(content.get("names"), file)
    colors = _colors(content.get("colors"), names, file)
    void_ids, void_colors = _void(content.get("void", []), file)
    space = _space(content, names, colors, void_ids, file)
    by_color = {color: space.classes[i].label_ids[0] for i, color in enumerate(colors.values())}
    if len(by_color) < len(colors):
        raise DataError(f"{file}: two classes have the same colour. Give each its own.")
    if colors:
        by_color |= dict.fromkeys(void_colors, space.void_label_id)
    splits = {key: _listed(content[key]) for key in ("train", "val", "test") if content.get(key)}
    return Description(space, by_color, splits, _base(content.get("path"), file), content.get("masks_dir") or "masks")


def _check_keys(content: dict[str, Any], file: Path) -> None:
    for key in content:
        if key not in KEYS and key not in FOREIGN and (hint := did_you_mean(str(key), KEYS)):
            raise DataError(f'{file}: unknown key "{key}".{hint} Known: {", ".join(KEYS)}.')
    if "ids" in content and "label_mapping" in content:
        raise DataError(f"{file}: ids and label_mapping say the same thing twice. Leave one of them out.")


def _names(given: Any, file: Path) -> dict[int, str]:
    """Return the classes by their number, in its order."""
    if isinstance(given, list):
        given = dict(enumerate(given))
    if not isinstance(given, dict) or not given or not all(isinstance(key, int) for key in given):
        raise DataError(f"{file}: expected names, a list of classes or a mapping of ids to classes. Write {EXAMPLE}.")
    names = {key: str(given[key]) for key in sorted(given)}
    if len(set(names.values())) < len(names) or len(names) >= IGNORE_INDEX:
        raise DataError(f"{file}: names must be all different and fewer than {IGNORE_INDEX}, found {len(names)}.")
    return names


def _colors(given: Any, names: dict[int, str], file: Path) -> dict[str, Color]:
    """Return the colour of every class in their order; empty when no colours are given."""
    if not given:
        return {}
    if isinstance(given, list):
        given = dict(zip(names.values(), given, strict=False))
    for name in given:
        if name not in names.values():
            hint = did_you_mean(str(name), names.values())
            raise DataError(f'{file}: a colour for "{name}", which isn\'t among the names.{hint}')
    if missing := [name for name in names.values() if name not in given]:
        raise DataError(f"{file}: no colour for {', '.join(missing)}. Give every class one, or leave colors out.")
    return {name: _color(given[name], file) for name in names.values()}


def _color(given: Any, file: Path) -> Color:
    if isinstance(given, str) and len(digits := given.removeprefix("#")) == 6:
        given = list(bytes.fromhex(digits))
    if not isinstance(given, list) or len(given) != 3 or not all(isinstance(v, int) and 0 <= v <= 255 for v in given):
        raise DataError(f'{file}: expected a colour as [red, green, blue] or "#rrggbb", found {given!r}.')
    return (given[0], given[1], given[2])


def _void(given: Any, file: Path) -> tuple[list[int], list[Color]]:
    entries = given if isinstance(given, list) else [given]
    ids = [entry for entry in entries if isinstance(entry, int)]
    return ids, [_color(entry, file) for entry in entries if not isinstance(entry, int)]


def _space(
    content: dict[str, Any], names: dict[int, str], colors: dict[str, Color], void_ids: list[int], file: Path
) -> LabelSpace:
    ids = _ids(content, names, file)
    if empty := [name for name in names.values() if name not in ids.values()]:
        raise DataError(f"{file}: no id stands for {', '.join(empty)}. Add it to ids, or leave the class out.")
    groups = _groups(content.get("groups") or {}, names, file)
    shown = colors or dict(zip(names.values(), palette(len(names)), strict=True))
    classes = []
    for name in names.values():
        stored = tuple(label_id for label_id, meaning in ids.items() if meaning == name)
        classes.append(LabelClass(name, shown[name], stored, groups.get(name, "")))
    void = [i for i, meaning in ids.items() if meaning is None]
    void += [i for i in (*void_ids, IGNORE_INDEX) if i not in ids]
    if wrong := [i for i in void_ids if ids.get(i) is not None]:
        raise DataError(f"{file}: the id {wrong[0]} is void and the class {ids[wrong[0]]}. Say one of them.")
    void_label_id = IGNORE_INDEX if IGNORE_INDEX in void else min(void, default=IGNORE_INDEX)
    name = str(content.get("name") or file.resolve().parent.name)
    return LabelSpace(name, tuple(classes), tuple(dict.fromkeys(void)), void_label_id)


def _ids(content: dict[str, Any], names: dict[int, str], file: Path) -> dict[int, str | None]:
    """Return which class each stored id stands for, None where void."""
    given = content.get("ids") or content.get("label_mapping")
    if given is None:
        return dict(names.items())
    known: dict[object, str | None] = {name: name for name in names.values()} | {"void": None}
    if "label_mapping" in content:
        known = {IGNORE_INDEX: None, -1: None, "ignore_label": None}
        known |= names.items()
    ids = {}
    for label_id, meaning in given.items():
        if not isinstance(label_id, int) or meaning not in known:
            hint = did_you_mean(str(meaning), [str(word) for word in known])
            raise DataError(f'{file}: "{label_id}: {meaning}" isn\'t an id with a class of names, or with void.{hint}')
        if label_id >= 0:  # a mask holds no negative numbers
            ids[label_id] = known[meaning]
    return ids


def _groups(given: dict[str, Any], names: dict[int, str], file: Path) -> dict[str, str]:
    """Return the category of each class that has one."""
    categories: dict[str, str] = {}
    for category, members in given.items():
        for name in members if isinstance(members, list) else [members]:
            if name not in names.values() or name in categories:
                problem = "is in two groups" if name in categories else "isn't among the names"
                raise DataError(f'{file}: "{name}" in groups {problem}.{did_you_mean(str(name), names.values())}')
            categories[name] = str(category)
    return categories


def palette(length: int) -> list[Color]:
    """Return colours that are easy to tell apart, for classes that have none."""
    hues = ((i * 0.618034) % 1 for i in range(length))  # the golden section never comes close to an earlier hue
    values = (colorsys.hsv_to_rgb(hue, 0.55 + 0.4 * (i % 2), 0.95 - 0.2 * (i % 3)) for i, hue in enumerate(hues))
    return [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in values]


def _listed(given: Any) -> list[str]:
    entries: Iterable[Any] = given if isinstance(given, list) else [given]
    return [str(entry) for entry in entries]


def _base(path: str | None, file: Path) -> Path:
    """Return where the folders are: `path`, which on another machine may not exist; then where the file is."""
    below = file.parent / (path or ".")  # an absolute path stays itself
    return below if below.is_dir() else file.parent
