"""Conversion between configurations and plain data, as YAML holds it."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from sceneseg.config import limits
from sceneseg.config.layering import layer
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError, did_you_mean
from sceneseg.task_facts import facts_of

T = TypeVar("T")


def to_dict(config: Config) -> dict[str, object]:
    """Return plain data (tuples become lists).

    Example:
        >>> to_dict(Config(seed=3))["seed"]
        3
    """

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return [plain(v) for v in value] if isinstance(value, tuple | list) else value

    return {k: plain(v) for k, v in dataclasses.asdict(config).items()}


def from_dict(data: Mapping[str, object], where: str = "the configuration", ranges: bool = True) -> Config:
    """Build a configuration from nested plain data; absent keys take their defaults.

    Args:
        data: Nested mappings.
        where: What they were read from, for messages.
        ranges: Whether numbers out of their ranges are refused.

    Raises:
        ConfigError: An unknown key (with the closest known one), a value of the wrong type, or a number out of its
            range.

    Example:
        >>> from_dict({"augment": {"crop_size": [256, 512]}}).augment.crop_size
        (256, 512)
    """
    defaults = facts_of(str(data.get("task", Config.task))).defaults
    config = _build(Config, layer(defaults, data), where, "")
    if ranges:
        limits.check(config, where)
    return config


def changed(config: Config, changes: Mapping[str, object], where: str = "the changes") -> Config:
    """Return a configuration with other values.

    Args:
        config: Stays as it is.
        changes: Nested plain data that is laid over it.
        where: Where they come from, for messages.

    Raises:
        ConfigError: A key or value that doesn't fit.

    Example:
        >>> config = changed(Config(), {"optim": {"lr": 0.1}, "seed": 3})
        >>> config.optim.name, config.optim.lr, config.seed
        ('adamw', 0.1, 3)
    """
    return from_dict(layer(to_dict(config), changes), where)


def _build(cls: type[T], data: Any, where: str, prefix: str) -> T:
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: {prefix or 'the file'} must be a mapping, found {data!r}.")
    hints = get_type_hints(cls)
    for key in data:
        if key not in hints:
            hint = did_you_mean(str(key), hints)
            raise ConfigError(f'{where}: unknown key "{prefix}{key}".{hint} Known: {", ".join(hints)}.')
    values = {k: _value(hints[k], v, where, prefix + k) for k, v in data.items()}
    return cls(**values)


def _value(kind: Any, value: Any, where: str, key: str) -> Any:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _build(kind, value, where, key + ".")
    choices = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    for choice in choices:
        ok, converted = _convert(choice, value)
        if ok:
            return converted
    expected = " or ".join(_words(c) for c in choices)
    raise ConfigError(f"{where}: {key} must be {expected}, found {value!r}.")


def _convert(kind: Any, value: Any) -> tuple[bool, Any]:
    if kind is types.NoneType:
        return value is None, None
    if kind is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return True, float(value)  # also "1e-3", which YAML reads as a word
        except (ValueError, OverflowError):
            return False, None
    if get_origin(kind) is Literal:
        return value in get_args(kind), value
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        if not isinstance(value, list | tuple) or len(value) != len(parts):
            return False, None
        pairs = [_convert(p, v) for p, v in zip(parts, value, strict=True)]
        return all(ok for ok, _ in pairs), tuple(v for _, v in pairs)
    if get_origin(kind) is list and isinstance(value, list | tuple):
        pairs = [_convert(get_args(kind)[0], v) for v in value]
        return all(ok for ok, _ in pairs), [v for _, v in pairs]
    if get_origin(kind) is dict and isinstance(value, dict):
        pairs = [_convert(get_args(kind)[1], v) for v in value.values()]
        named = all(isinstance(key, str) for key in value)
        return named and all(ok for ok, _ in pairs), dict(zip(value, (v for _, v in pairs), strict=True))
    if kind is Any:
        return True, value
    plain = get_origin(kind) or kind
    return isinstance(value, plain) and not (plain is int and isinstance(value, bool)), value


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(str(a) for a in get_args(kind))
    if get_origin(kind) is tuple:
        return "a list of " + ", ".join(_words(a) for a in get_args(kind))
    if get_origin(kind) is list:
        return f"a list, each {_words(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        of = get_args(kind)[1]
        return "a mapping of names to values" if of is Any else f"a mapping, each value {_words(of)}"
    names = {types.NoneType: "null", int: "a whole number", float: "a number", str: "a word", bool: "true or false"}
    return names.get(kind, "a mapping")
