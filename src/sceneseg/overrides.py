"""Which options were typed: they win over the configuration file, which wins over the defaults."""

from pathlib import Path
from typing import Any

import yaml
from cyclopts import App, ArgumentCollection

from sceneseg import config as configs
from sceneseg.config import Config

_typed: list[tuple[tuple[str, ...], str | None]] = []


def remember(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Note the options of the command line, as a cyclopts configuration hook."""
    _typed.clear()
    for argument in arguments:
        for token in argument.tokens:
            inner = tuple(token.keys)  # of a free mapping, for example --model.width 0.5
            _typed.append((argument.keys + inner, token.value if inner else None))


def configuration(parsed: Config, file: Path | None) -> Config:
    """Return the defaults, under the file, under what was typed.

    Args:
        parsed: What the command line was turned into; only typed options count.
        file: The configuration file, if any.

    Raises:
        ConfigError: A key or value of the file that doesn't fit.
    """
    base = {} if file is None else configs.to_dict(configs.load(file))
    return configs.from_dict(configs.merge(base, typed(parsed)), "the command line")


def typed(parsed: Config) -> dict[str, Any]:
    """Return only what was typed of the configuration, as nested plain data."""
    values = configs.to_dict(parsed)
    found: dict[str, Any] = {}
    for path, text in _typed:
        if path and path[0] in values:  # else an option of the verb, not of the configuration
            value = yaml.safe_load(text) if text is not None else _at(values, path)
            found = configs.merge(found, _nested(path, value))
    return found


def _at(values: dict[str, Any], path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return value
