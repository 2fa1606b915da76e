"""Options of a training as keywords: brought under the sections of the configuration, and laid over a file."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from sceneseg.config import files as config_files
from sceneseg.config.asked import Asked, asked_by, asked_by_file
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.layering import layer
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError, did_you_mean

SECTIONS = {field.name: field.type for field in fields(Config)}
SHORT = {
    "model": ("model", "name"),
    "data": ("data", "name"),
    "optimizer": ("optim", "name"),
    "optim": ("optim", "name"),
    "schedule": ("schedule", "name"),
}
"""Words that mean a name within a section."""


def nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Bring options under the sections of the configuration.

    Args:
        options: By their own names ("lr"), or whole sections ("train").

    Raises:
        ConfigError: There is no such option, or there are several.

    Example:
        >>> nested({"lr": 0.05, "optimizer": "sgd", "train": {"patience": 5}, "loss": "dice"})
        {'optim': {'lr': 0.05, 'name': 'sgd'}, 'train': {'patience': 5}, 'loss': {'dice': 1.0}}
    """
    places: dict[str, list[str]] = {}
    for section, kind in SECTIONS.items():
        if is_dataclass(kind):
            for field in fields(kind):
                places.setdefault(field.name, []).append(section)
    found: dict[str, Any] = {}
    for key, value in options.items():
        value = str(value) if isinstance(value, PathLike) else value
        if key in SHORT and isinstance(value, str):
            section, name = SHORT[key]
            option: dict[str, object] = {section: {name: value}}
        elif key == "loss" and isinstance(value, str):
            option = {"loss": {value: 1.0}}
        elif key in SECTIONS:
            option = {key: value}
        elif len(places.get(key, [])) == 1:
            option = {places[key][0]: {key: value}}
        elif key in places:
            ways = " or ".join(f'{section}={{"{key}": ...}}' for section in places[key])
            raise ConfigError(f'The option "{key}" is in several sections. Say which: {ways}.')
        else:
            raise ConfigError(f'There is no option "{key}".{did_you_mean(key, [*places, *SECTIONS])}')
        found = layer(found, option)
    return found


def configure(config: str | PathLike[str] | Config | None, changes: Mapping[str, object]) -> tuple[Config, list[Asked]]:
    """Return a configuration with options over it, and what was asked for by either.

    Args:
        config: A YAML file, the name of a recipe, or a configuration; the defaults when absent.
        changes: Nested plain data.

    Raises:
        ConfigError: A key or value that doesn't fit.
    """
    asked = [asked_by("the options", changes)]
    known: dict[str, object] = {}
    if config is not None:
        base = config if isinstance(config, Config) else config_files.load(Path(config))
        asked.append(asked_by_file("config" if isinstance(config, Config) else str(config), base))
        known = to_dict(base)
    return from_dict(layer(known, changes), "the options"), asked
