"""Keys of other programs in a data set's YAML file: those that change the labels are translated or refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sceneseg.errors import DataError

IGNORED = "ignore_index"
IGNORE = (IGNORED, "ignore_label", "ignore_value")
"""MMSegmentation's, PaddleSeg's and Cityscapes' word for the id that is void."""
REDUCE = ("reduce_zero_label", "reduce_labels", "do_reduce_labels")
"""MMSegmentation's and Transformers' word for ids that begin at 1, with 0 for void."""
COUNT = ("nc", "num_classes", "num_labels", "classes")
"""The number of classes, for Ultralytics, PaddleSeg, Transformers and many others."""
FOREIGN = (*IGNORE, *REDUCE, *COUNT)
HARMLESS = {
    *("author", "authors", "channels", "citation", "comment", "contact", "contributor", "copyright", "created", "date"),
    *("description", "doi", "download", "homepage", "info", "keywords", "licence", "license", "notes", "paper"),
    *("roboflow", "source", "tags", "task", "title", "url", "version", "website", "year"),
}
"""Keys that say nothing about the labels."""


def translate(content: Mapping[str, object], names: dict[int, str], file: Path) -> dict[str, object]:
    """Return the contents of a file with foreign keys put into `ids`, `void` and, for label_mapping, `IGNORED`.

    Args:
        content: What the file holds.
        names: The classes by number.
        file: For messages.

    Raises:
        DataError: A foreign key that contradicts another, or whose meaning isn't certain.
    """
    for key in COUNT:
        if content.get(key) is not None:
            _check_count(key, content[key], names, file)
    found = {key: value for key, value in content.items() if key not in FOREIGN}
    reduced = [_truth(content, key, file) for key in REDUCE]
    if any(reduced):
        found |= _reduced(found, names, file)
    mapped = found.get("label_mapping") is not None  # whose numbers are then meant, else those in the masks
    classes: Mapping[int, str] = dict(enumerate(names.values())) if mapped else _meanings(found, names)
    ignored = []
    for key in IGNORE:
        for label_id in _ignored(content, key, file):
            if label_id in classes:
                raise DataError(
                    f'{file}: {key} lists {label_id} as void, but it is the class "{classes[label_id]}". Take the '
                    f"class out of names (with the ids of the others, as {{1: ...}}), or leave {key} out."
                )
            ignored.append(label_id)
    if not ignored:
        return found
    if mapped:
        return {**found, IGNORED: ignored}
    return {**found, "void": [*as_list(found.get("void")), *(i for i in ignored if i >= 0)]}  # -100 is none


def _meanings(content: Mapping[str, object], names: dict[int, str]) -> Mapping[int, str]:
    """Return the class of each id in the masks, as far as it has one."""
    given = content.get("ids")
    if not isinstance(given, dict):
        return names if given is None else {}
    return {label_id: name for label_id, name in given.items() if name != "void" or "void" in names.values()}


def _check_count(key: str, given: Any, names: dict[int, str], file: Path) -> None:
    if not isinstance(given, bool) and given in (len(names), str(len(names)), list(names.values()), names):
        return
    raise DataError(
        f"{file}: {key} is {str(given)[:60]}, but there are {len(names)} names ({', '.join(names.values())[:80]}). "
        f"Correct one of them, or leave {key} out."
    )


def _truth(content: Mapping[str, object], key: str, file: Path) -> bool:
    given = content.get(key)
    if given is not None and not isinstance(given, bool):
        raise DataError(f"{file}: expected {key} to be true or false, found {given!r:.60}.")
    return bool(given)


def _reduced(content: Mapping[str, object], names: dict[int, str], file: Path) -> dict[str, object]:
    """Return ids that begin at 1, and void with 0."""
    if (
        content.get("ids") is not None
        or content.get("label_mapping") is not None
        or list(names) != list(range(len(names)))
    ):
        raise DataError(
            f"{file}: reduce_zero_label means that id 1 is the first class, id 2 the second and 0 void, but ids, "
            f"label_mapping or the numbers of names say something else. Leave one of them out."
        )
    ids = {number + 1: name for number, name in names.items()}
    return {"ids": ids, "void": [*as_list(content.get("void")), 0]}


def _ignored(content: Mapping[str, object], key: str, file: Path) -> list[int]:
    given = as_list(content.get(key))
    if wrong := [entry for entry in given if type(entry) is not int]:
        raise DataError(f"{file}: expected {key}, the id that is void, found {wrong[0]!r:.60}.")
    return given


def as_list(given: Any) -> list[Any]:
    """Return a list as it is, nothing as an empty one, and anything else as a list of one."""
    return given if isinstance(given, list) else [] if given is None else [given]
