"""Reading of untrusted YAML: bounded in depth and size before anything is built of it."""

from pathlib import Path
from typing import Any

import yaml

from sceneseg.errors import ConfigError

DEEPEST = 50
"""Levels of lists and mappings within each other."""
LARGEST = 200_000
"""Values, each counted as often as an alias repeats it."""


def read_yaml(path: Path) -> dict[str, object]:
    """Read a YAML file that holds a mapping."""
    try:
        data = parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such configuration file.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not readable as YAML: expected UTF-8 text ({error}). Save it as UTF-8.") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping of keys to values, found {type(data).__name__}.")
    return data


def parse_yaml(text: str, where: str) -> Any:
    """Read YAML.

    Args:
        text: Of a file, or of a value.
        where: What it is, for messages.

    Raises:
        ConfigError: It isn't YAML, nests too deeply, or repeats itself by aliases beyond all bounds.
    """
    try:
        check_extent(text, where)
        return yaml.load(text, UniqueKeyLoader)
    except DuplicateKeyError as error:
        raise ConfigError(f"{where}: {error}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ConfigError(f"{where}: not readable as YAML: {error.problem or error.context}{place}.") from None
    except (yaml.YAMLError, ValueError, AttributeError) as error:  # the last two: numbers and dates that are none
        raise ConfigError(f"{where}: not readable as YAML: {error}") from None


def check_extent(text: str, where: str) -> None:
    """Count, event by event, how deep and how large the data would become, aliases written out.

    Raises:
        ConfigError: Too deep, too large, or an alias of what it lies in.
    """
    sizes: dict[str, int | None] = {}  # of what has an anchor; None while it isn't complete
    opened: list[list[Any]] = [[None, 0]]  # anchor, and values so far, of each level
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            if event.anchor:
                sizes[event.anchor] = None
            opened.append([event.anchor, 1])
            if len(opened) > DEEPEST:
                raise ConfigError(f"{where}: lists and mappings lie in each other more than {DEEPEST} levels deep.")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = opened.pop()
            sizes |= {anchor: size} if anchor else {}
            opened[-1][1] += size
        elif isinstance(event, yaml.ScalarEvent):
            event.value.encode()  # half a character, which no file takes, is a ValueError
            sizes |= {event.anchor: 1} if event.anchor else {}
            opened[-1][1] += 1
        elif isinstance(event, yaml.AliasEvent):
            size = sizes.get(str(event.anchor), 1)  # an unknown one is named when the data are built
            if size is None:
                raise ConfigError(f"{where}: the alias *{event.anchor} stands within what it repeats.")
            opened[-1][1] += size
        if opened[-1][1] > LARGEST:
            raise ConfigError(f"{where}: more than {LARGEST:,} values, as aliases repeat them. Write fewer.")


class UniqueKeyLoader(yaml.SafeLoader):
    """Reads YAML in which no mapping has a key twice; PyYAML would take the last."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Build the node of a mapping.

        Raises:
            DuplicateKeyError: A key is there twice.
        """
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        first: dict[Any, int] = {}
        for key_node, _ in node.value:  # before other mappings are merged in, whose keys may be overridden
            if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
                continue
            key, line = self.construct_object(key_node), key_node.start_mark.line + 1
            if key in first:
                raise DuplicateKeyError(f'the key "{key}" is given twice (lines {first[key]} and {line}). Keep one.')
            first[key] = line
        return node


class DuplicateKeyError(yaml.YAMLError):
    """A key that a mapping has twice."""
