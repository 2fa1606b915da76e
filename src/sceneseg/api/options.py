"""Options of a training from Python: keywords as keys of the configuration."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from sceneseg.config import schema as configs
from sceneseg.config.asked import Asked, asked_by, asked_by_file
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError, did_you_mean

SECTIONS = {field.name: field.type for field in fields(Config)}
SHORT = {"optimizer": ("optim", "name"), "optim": ("optim", "name"), "schedule": ("schedule", "name")}
"""Words that mean a name within a section."""


def nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Bring options under the sections of the configuration.

    Args:
        options: Keys of the configuration by their own names (``epochs=20``) or sections (``train={"patience": 5}``).

    Raises:
        ConfigError: There is no such key, or several sections have it.
    """
    plain = configs.to_dict(Config())
    places: dict[str, list[str]] = {}
    for section, kind in SECTIONS.items():
        if is_dataclass(kind):
            for key in plain[section]:
                places.setdefault(key, []).append(section)
    found: dict[str, Any] = {}
    for key, value in options.items():
        value = str(value) if isinstance(value, PathLike) else value
        if key in SHORT and isinstance(value, str):
            section, name = SHORT[key]
            nested: dict[str, Any] = {section: {name: value}}
        elif key == "loss" and isinstance(value, str):
            nested = {"loss": {value: 1.0}}
        elif key in SECTIONS:
            nested = {key: value}
        elif len(places.get(key, [])) == 1:
            nested = {places[key][0]: {key: value}}
        elif key in places:
            ways = " or ".join(f'{section}={{"{key}": ...}}' for section in places[key])
            raise ConfigError(f'The option "{key}" is in several sections. Say which: {ways}.')
        else:
            raise ConfigError(f'There is no option "{key}".{did_you_mean(key, [*places, *SECTIONS])}')
        found = configs.merge(found, nested)
    return found


def configure(config: str | PathLike[str] | Config | None, changes: Mapping[str, Any]) -> tuple[Config, list[Asked]]:
    """Return a configuration with changes over it, and what each of the two asks for.

    Args:
        config: A YAML file, the name of a recipe, or a configuration; the defaults when absent.
        changes: Nested plain data, see `nested`.

    Raises:
        ConfigError: A key or value that doesn't fit.
    """
    base = config if isinstance(config, Config) else None if config is None else configs.load(Path(config))
    known = {} if base is None else configs.to_dict(base)
    asked = [asked_by("the options", dict(changes)), *([asked_by_file("config", base)] if base else [])]
    return configs.from_dict(configs.merge(known, dict(changes)), "the options"), asked
