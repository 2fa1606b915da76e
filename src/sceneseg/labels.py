"""Label spaces: what the ids stored on disk mean, and how they become the train ids a model learns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import LabelArray
from sceneseg.config.reading import read_yaml
from sceneseg.errors import ConfigError, DataError, did_you_mean
from sceneseg.id_lookup import VOID, IdLookup
from sceneseg.plain import UnfitError, as_record

IGNORE_INDEX = VOID
"""The train id of pixels that carry no class: they count neither in a loss nor in a score."""

VOID_COLOR = (60, 60, 60)
"""Of classes made of void or of all the rest."""

MOST_CLASSES = IGNORE_INDEX
"""Of a label space, so that a byte holds their train ids and void."""

Color = tuple[int, int, int]
"""RGB, 0..255."""


@dataclass(frozen=True)
class LabelClass:
    """Class of a label space.

    Args:
        name: As people write it, "traffic light".
        color: RGB, 0..255.
        label_ids: The stored ids that mean this class; predictions are written back with the first.
        category: The group it belongs to ("vehicle"), or "" when the space has none.
        has_instances: Whether single objects are annotated (things), as opposed to stuff.
    """

    name: str
    color: Color
    label_ids: tuple[int, ...]
    category: str = ""
    has_instances: bool = False


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a task in the order of their train ids, and the stored ids that are void.

    Args:
        name: For messages and file headers, "cityscapes".
        classes: Train id i is ``classes[i]``.
        void_ids: Stored ids that are known and mean "no class" (train id 255).
        void_label_id: What is written for void when labels go back to disk.
    """

    name: str
    classes: tuple[LabelClass, ...]
    void_ids: tuple[int, ...] = ()
    void_label_id: int = 0

    def __post_init__(self) -> None:
        if len(self.classes) > MOST_CLASSES:
            raise DataError(
                f'The label space "{self.name}" has {len(self.classes):,} classes; train ids are bytes, of which one '
                f"is void, so there can be {MOST_CLASSES}. Group classes with a label_space file, or leave some out.",
                field="data.label_space",
            )

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> list[str]:
        """Class names in the order of their train ids."""
        return [c.name for c in self.classes]

    @property
    def categories(self) -> list[str]:
        """Category names in the order in which they first occur; empty when the space has none."""
        return list(dict.fromkeys(c.category for c in self.classes if c.category))

    @cached_property
    def palette(self) -> npt.NDArray[np.uint8]:
        """The color of every train id, (256, 3) uint8 RGB; void and unused ids are black."""
        palette = np.zeros((256, 3), np.uint8)
        for i, c in enumerate(self.classes):
            palette[i] = c.color
        return palette

    @cached_property
    def _encoding(self) -> IdLookup:
        ids = {label_id: i for i, c in enumerate(self.classes) for label_id in c.label_ids}
        return IdLookup(ids | dict.fromkeys(self.void_ids, IGNORE_INDEX))

    def encode(self, label_ids: npt.NDArray[Any], where: object = "the label image") -> LabelArray:
        """Turn stored label ids into train ids.

        Args:
            label_ids: (H, W), any integer type.
            where: The file, for the message.

        Returns:
            (H, W) uint8 train ids, 255 where void.

        Raises:
            DataError: An id that this space doesn't know.
        """
        labels, unknown = self._encoding(label_ids)
        if unknown is not None:
            self._refuse(label_ids[unknown], where)
        return labels

    def decode(self, labels: LabelArray) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
        """Turn train ids (H, W) back into stored label ids; void becomes `void_label_id`.

        Raises:
            DataError: A class without an id, or with one that doesn't fit into the 16 bits of a PNG.
        """
        if empty := [c.name for c in self.classes if not c.label_ids]:
            raise DataError(f'The label space "{self.name}" has no label id for {empty[0]}. Give the class one.')
        ids = [c.label_ids[0] for c in self.classes]
        if unfit := [i for i in (*ids, self.void_label_id) if not 0 <= i < 65536]:
            raise DataError(
                f'The label space "{self.name}" has the id {unfit[0]}, which doesn\'t fit into the 16 bits of a PNG. '
                f"Give the class another id, first in its list."
            )
        wide = max(*ids, self.void_label_id) >= 256
        table: npt.NDArray[Any] = np.full(256, self.void_label_id, np.uint16 if wide else np.uint8)
        table[: len(ids)] = ids
        return table[labels]

    def train_ids_in(self, other: "LabelSpace") -> LabelArray:
        """Return what every train id of this space is in another: (256,) uint8, at 255 what void becomes.

        Raises:
            ConfigError: A class, or void, has parts that the other space separates, or doesn't have.
        """
        theirs = {label_id: i for i, c in enumerate(other.classes) for label_id in c.label_ids}
        theirs |= dict.fromkeys(other.void_ids, IGNORE_INDEX)
        table = np.full(256, IGNORE_INDEX, np.uint8)
        parts = [(i, f'the class "{c.name}"', c.label_ids) for i, c in enumerate(self.classes)]
        for i, what, label_ids in (*parts, (IGNORE_INDEX, "void", self.void_ids)):
            found = {theirs.get(label_id, -1) for label_id in label_ids} or {IGNORE_INDEX}
            if len(found) > 1 or -1 in found:
                raise ConfigError(
                    f'In "{self.name}" {what} stands for the label ids {_ranges(sorted(label_ids))}; "{other.name}" '
                    f"separates them or doesn't have them all, so train ids of one can't become those of the other. "
                    f"Read the labels themselves in that space: set label_space for the training, or for the "
                    f"evaluation of a run.",
                    field="data.label_space",
                )
            table[i] = found.pop()
        return table

    def _refuse(self, bad: npt.NDArray[Any], where: object) -> None:
        ids, counts = np.unique(bad, return_counts=True)
        found = ", ".join(f"{i} ({n} pixels)" for i, n in zip(ids[:5], counts[:5], strict=True))
        known = sorted({i for c in self.classes for i in c.label_ids} | set(self.void_ids))
        raise DataError(
            f'{where}: found label id {found}; the label space "{self.name}" has {_ranges(known)}. '
            f"Add the id to the label space, or repair the file."
        )

    def to_dict(self) -> dict[str, object]:
        """Return plain data, for YAML and for the header of a weights file."""
        return {
            "name": self.name,
            "classes": [
                {
                    "name": c.name,
                    "color": list(c.color),
                    "label_ids": list(c.label_ids),
                    "category": c.category,
                    "has_instances": c.has_instances,
                }
                for c in self.classes
            ],
            "void_ids": list(self.void_ids),
            "void_label_id": self.void_label_id,
        }

    @classmethod
    def from_dict(cls, data: Any, where: object = "the label space") -> "LabelSpace":
        """Build a label space from what `to_dict` returned.

        Args:
            data: Plain data, from a file.
            where: The file, for the message.

        Raises:
            DataError: A key is missing, unknown, or has a value of another type.
        """
        try:
            return cls._parse(data)
        except UnfitError as error:
            raise DataError(f"{where}: expected a label space as a run's labels.json has it; {error}.") from None

    @classmethod
    def _parse(cls, data: Any) -> "LabelSpace":
        space: LabelSpace = as_record(cls, data)
        _check_colors({f"classes.{i}.color": c.color for i, c in enumerate(space.classes)})
        return space


def _check_colors(colors: Mapping[str, Color]) -> None:
    for key, color in colors.items():
        if not all(0 <= value <= 255 for value in color):
            raise UnfitError(f"{key} must be three numbers from 0 to 255, found {list(color)}")


def choose_space(own: LabelSpace, wanted: str | None) -> LabelSpace:
    """Return the label space that a data set is to be read in.

    Args:
        own: The data set's.
        wanted: None or "classes" is `own`; "categories" has a class for each category; "road" or "road,car" has those
            classes (or categories) and "other"; with "+NAME" behind any of these, void is a class of that name. What
            ends in .yaml, .yml or .json is a file, see `read_space`.

    Raises:
        ConfigError: There is no such space, file or class.
    """
    if wanted is None or wanted == "classes" or own.name.endswith(f":{wanted}"):
        return own
    if Path(wanted).suffix in {".yaml", ".yml", ".json"}:
        return read_space(Path(wanted), own)
    base, _, void = wanted.partition("+")
    if base == "categories" and not own.categories:
        raise ConfigError(
            f'The label space "{own.name}" has no categories. Group its classes with a label_space file.',
            field="data.label_space",
        )
    listed = [name.strip() for name in base.split(",")]
    names = {"classes": own.names, "categories": own.categories}.get(base, listed)
    groups: list[tuple[str, list[str | int]]] = [(name, [name]) for name in names]
    if names is listed:
        groups.append(("other", ["rest"]))
    if "+" in wanted:
        groups.append((void, ["void"]))
    refuse_names([name for name, _ in groups], f"label_space {wanted}")
    return group(own, f"{own.name}:{wanted}", dict(groups))


def refuse_names(names: Sequence[object], where: str) -> None:
    """Refuse names of classes that are no text, or that two classes have.

    Raises:
        ConfigError: There is such a name.
    """
    for name in names:
        if not isinstance(name, str) or not name.strip():
            quotes = " Names are text: put it in quotes, in YAML too." if isinstance(name, bool | int | float) else ""
            raise ConfigError(f"{where}: expected the name of a class, found {name!r}.{quotes}")
        if [str(other).strip() for other in names].count(name.strip()) > 1:
            raise ConfigError(f'{where}: two classes would be called "{name}". Give each a name of its own.')


def read_space(file: Path, own: LabelSpace) -> LabelSpace:
    """Read a label space from a file, YAML or JSON.

    Its `classes` are either a mapping of new names to what they consist of (see `group`; `name` and `colors` are
    optional), or a list of whole classes as `LabelSpace.to_dict` writes them, for example the labels.json of a run.

    Raises:
        ConfigError: The file is missing, or its contents don't fit.
    """
    content = read_yaml(file)
    for key in content:
        if key not in (known := ("name", "classes", "colors", "void_ids", "void_label_id")):
            raise ConfigError(f'{file}: unknown key "{key}".{did_you_mean(str(key), known)} Known: {", ".join(known)}.')
    classes, name = content.get("classes"), content.get("name", file.stem)
    if isinstance(classes, dict):
        refuse_names([str(new) if type(new) is int else new for new in classes], str(file))
        groups = {str(new): members if isinstance(members, list) else [members] for new, members in classes.items()}
        try:
            colors: dict[str, Color] = as_record(dict[str, Color], content.get("colors") or {}, "colors.")
            _check_colors({f"colors.{key}": color for key, color in colors.items()})
        except UnfitError as error:
            raise ConfigError(f"{file}: {error}. Write classes with [red, green, blue].") from None
        return group(own, f"{own.name}:{name}", groups, colors, str(file))
    try:
        space = LabelSpace._parse({**content, "name": name})
    except UnfitError as error:
        raise ConfigError(
            f"{file}: expected classes with what they consist of, for example {{classes: {{flat: [road, sidewalk]}}}}, "
            f"or a list of classes with name, color and label_ids; {error}."
        ) from None
    if not space.classes:
        raise ConfigError(f"{file}: there are no classes. Write some.")
    refuse_names(space.names, str(file))
    if wrong := [i for i in _known_ids(space) if i < 0]:
        raise ConfigError(f"{file}: expected label ids from 0 on, found {wrong[0]}; a mask can't hold it.")
    return space


def group(
    own: LabelSpace,
    name: str,
    groups: Mapping[str, list[str | int]],
    colors: Mapping[str, Sequence[int]] | None = None,
    where: str = "label_space",
) -> LabelSpace:
    """Return a label space whose classes are groups of another's; what is in no group becomes void.

    A group of one class keeps its color, category and instances. Where classes are joined there are no categories,
    and it has single objects only if all members have them.

    Args:
        own: The space to group.
        name: Of the new one.
        groups: New class -> names of classes or categories, stored label ids, "rest" (all classes that no group
            names) or "void" (all void ids that no group names).
        colors: New class -> RGB, where it isn't the first member's.
        where: For messages.

    Raises:
        ConfigError: A member that isn't known, or that two groups name, or a color of no group.
    """
    colors = colors or {}
    for key in colors:
        if key not in groups:
            raise ConfigError(f'{where}: a color for "{key}", which is no class.{did_you_mean(str(key), groups)}')
    named = {new: _members(own, members, where) for new, members in groups.items()}
    taken = [label_id for ids in named.values() for label_id in ids]
    for label_id in taken:
        if len(both := [new for new, ids in named.items() if label_id in ids]) > 1:
            raise ConfigError(f"{where}: the label id {label_id} is in {' and in '.join(both)}. Put it in one of them.")
    left = {
        "rest": [i for c in own.classes for i in c.label_ids if i not in taken],
        "void": [i for i in own.void_ids if i not in taken],
    }
    classes = []
    for new, members in groups.items():
        ids = [*named[new], *(i for word in members if word in left for i in left[str(word)])]
        if not ids:
            raise ConfigError(f'{where}: the class "{new}" is empty. Name its members, or leave it out.')
        color = colors.get(new, VOID_COLOR if "rest" in members else None)
        classes.append(_joined(own, new, tuple(ids), color))
    if any(len(_classes_of(own, c.label_ids)) > 1 for c in classes):
        classes = [replace(c, category="") for c in classes]
    used = {i for c in classes for i in c.label_ids}
    void_ids = tuple(i for i in _known_ids(own) if i not in used)
    return LabelSpace(name, tuple(classes), void_ids, own.void_label_id)


def _members(own: LabelSpace, members: Iterable[str | int], where: str) -> list[int]:
    by_name: dict[object, tuple[int, ...]] = {"rest": (), "void": ()}
    for c in own.classes:
        by_name[c.category] = (*by_name.get(c.category, ()), *c.label_ids)
    by_name |= {c.name: c.label_ids for c in own.classes}  # a class wins over a category of its name
    by_name |= {i: (i,) for i in _known_ids(own)}
    for member in members:
        if type(member) not in (str, int) or member not in by_name or member == "":
            words = [str(word) for word in by_name if word]
            raise ConfigError(
                f'{where}: "{own.name}" has no class, category or label id "{member}".'
                f"{did_you_mean(str(member), words)} It has: {', '.join(own.names)}."
            )
    return list(dict.fromkeys(label_id for member in members for label_id in by_name[member]))


def _joined(own: LabelSpace, name: str, label_ids: tuple[int, ...], color: Sequence[int] | None) -> LabelClass:
    members = _classes_of(own, label_ids)
    red, green, blue = color or (members[0].color if members else VOID_COLOR)
    category = members[0].category if len(members) == 1 else ""
    has_instances = bool(members) and all(c.has_instances for c in members)
    return LabelClass(name, (red, green, blue), label_ids, category, has_instances)


def _classes_of(own: LabelSpace, label_ids: Iterable[int]) -> list[LabelClass]:
    requested = set(label_ids)
    return [c for c in own.classes if requested & set(c.label_ids)]


def _known_ids(space: LabelSpace) -> list[int]:
    return [*(i for c in space.classes for i in c.label_ids), *space.void_ids]


def _ranges(ids: Iterable[int]) -> str:
    """Write sorted integers shortly: [0, 1, 2, 7] -> "0-2, 7"."""
    runs: list[list[int]] = []
    for i in ids:
        if runs and i == runs[-1][1] + 1:
            runs[-1][1] = i
        else:
            runs.append([i, i])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
