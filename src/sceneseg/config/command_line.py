"""Options that were typed: they win over the configuration file, which wins over the defaults."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from cyclopts import App, Argument, ArgumentCollection
from cyclopts.utils import UNSET

from sceneseg.config import files as config_files
from sceneseg.config.asked import Asked, asked_by, asked_by_file
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.layering import flat, layer, nest
from sceneseg.config.limits import explain
from sceneseg.config.options import UNTYPED, Options
from sceneseg.config.reading import parse_yaml
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError
from sceneseg.ranges import range_of
from sceneseg.user_files import allow


def check_options(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Check what was typed before it is converted, as a cyclopts configuration hook.

    What stands behind the name of a free mapping, cross_entropy.label-smoothing in
    ``--loss.cross_entropy.label-smoothing 0.1``, becomes one key with dots for cyclopts, which has no mappings in
    such a mapping; `nested` splits it.

    Raises:
        ConfigError: A number out of the range that the option's type declares, or nothing where a value is expected.
    """
    for argument in arguments:
        _check_empty(argument)
        _check_range(argument)
        for i, token in enumerate(argument.tokens):
            if inner := _parts(token.keys):
                argument.tokens[i] = token.evolve(keys=(".".join(inner),))


def _parts(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of a key, with underscores; the name of a Python file is one of them."""
    text = ".".join(keys)
    file = re.match(r".*\.py:\w+(?=\.|$)", text)
    rest = text[file.end() :] if file else text
    return (*([file[0]] if file else []), *(part.replace("-", "_") for part in rest.split(".") if part))


def _check_empty(argument: Argument) -> None:
    """Refuse an empty text, for example of a shell variable that isn't set: as a path it would be this folder."""
    for token in argument.tokens:
        if not (token.keys or token.value.strip(" ,") or token.implicit_value is not UNSET):
            raise ConfigError(f"{token.keyword or argument.name} is empty. Give a value, or leave it out.")


def _check_range(argument: Argument) -> None:
    limits = range_of(argument.field_info.annotation)
    tokens = [token for token in argument.tokens if not token.keys]
    if limits is None or not tokens:
        return
    numbers = [_number(token.value) for token in tokens]
    if None in numbers:  # cyclopts says what is wrong with them
        return
    if expected := limits.problem(numbers, list[argument.field_info.annotation]):  # type: ignore[name-defined]
        found = " ".join(token.value for token in tokens)
        name = tokens[0].keyword or argument.name
        raise ConfigError(f"{name} must be {expected}, found {found}. {explain(Config, argument.keys)}".strip())


def _number(text: str) -> float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def configuration(options: Options, file: Path | None, model: str | None = None) -> Config:
    """Return the defaults, under the file, under what was typed.

    Args:
        options: What the command line was turned into.
        file: The configuration file, if any.
        model: The model's name, where it has an option of its own.

    Raises:
        ConfigError: A key or value of the file that doesn't fit, or two names of the model.
    """
    base = {} if file is None else to_dict(config_files.load(file))
    found = from_dict(layer(base, typed(options, model)), "the command line")
    allow(to_dict(found))
    return found


def asked(options: Options, file: Path | None) -> list[Asked]:
    """Return what was asked for, on the command line and in the file."""
    sources = [asked_by("the command line", typed(options))]
    return sources if file is None else [*sources, asked_by_file(str(file), config_files.load(file))]


def typed(options: Options, model: str | None = None) -> dict[str, Any]:
    """Return what was typed of the configuration, as nested plain data.

    Args:
        options: What the command line was turned into.
        model: The model's name, where it has an option of its own.

    Raises:
        ConfigError: Two names of the model.
    """
    found = _typed(options)
    if model is not None:
        if (other := flat(found).get("model.name", model)) != model:
            raise ConfigError(f"-m {model} and --model.name {other} both name the model. Give one of them.")
        found = layer(found, {"model": {"name": model}})
    return found


def _typed(options: Any) -> dict[str, object]:
    found: dict[str, object] = {}
    hints = get_type_hints(type(options))
    for one in fields(options):
        value = getattr(options, one.name)
        if value is UNTYPED:
            continue
        if is_dataclass(value):
            found |= {one.name: section} if (section := _typed(value)) else {}
        elif isinstance(value, dict) and not _holds_numbers(hints[one.name]):
            found = layer(found, nested(value, (one.name,)))
        else:
            found[one.name] = list(value) if isinstance(value, tuple) else value
    return found


def nested(options: Mapping[str, object] | None, path: Sequence[str] = ()) -> dict[str, object]:
    """Return what was typed for a free mapping: keys with dots become mappings, texts values.

    Args:
        options: Key, with dots, -> text.
        path: The keys that lead to the mapping.
    """
    found: dict[str, object] = {}
    for key, value in (options or {}).items():
        found = layer(found, nest([*path, *_parts([key])], _plain(str(value))))
    return found


def _plain(text: str) -> Any:
    """Read a value as YAML does, but 1e-3 as the number that is meant."""
    value = parse_yaml(text, text if len(text) < 100 else f"{text[:100]}...")
    if isinstance(value, str) and any(c.isdigit() for c in value):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _holds_numbers(hint: Any) -> bool:
    *_, value = get_args(hint) or (None,)
    return (get_args(value)[0] if get_origin(value) is Annotated else value) is float
