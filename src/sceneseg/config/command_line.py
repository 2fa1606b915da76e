"""Which options were typed: they win over the configuration file, which wins over the defaults."""

from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from cyclopts import App, Argument, ArgumentCollection
from cyclopts.utils import UNSET

from sceneseg.config import files as config_files
from sceneseg.config.asked import Asked, asked_by, asked_by_file
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.layering import layer, nest
from sceneseg.config.limits import explain
from sceneseg.config.reading import parse_yaml
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError
from sceneseg.ranges import range_of

_typed: list[tuple[tuple[str, ...], str | None]] = []


def remember(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Note the options of the command line and check their numbers, as a cyclopts configuration hook.

    What stands behind the name of a free mapping, cross_entropy.label-smoothing in
    ``--loss.cross_entropy.label-smoothing 0.1``, becomes one key with dots for cyclopts, which knows no mappings in
    such a mapping; `nested` takes it apart.

    Raises:
        ConfigError: A number out of the range that the option's type declares, or nothing where a value is expected.
    """
    _typed.clear()
    for argument in arguments:
        _check_empty(argument)
        _check_range(argument)
        for i, token in enumerate(argument.tokens):
            inner = tuple(part.replace("-", "_") for part in token.keys)
            if inner:
                argument.tokens[i] = token.evolve(keys=(".".join(inner),))
            if _holds_numbers(argument.hint):  # of things with dots in their names, as encoder.layer1
                inner = (".".join(inner),) if inner else ()
            _typed.append((argument.keys + inner, token.value if inner else None))


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


def configuration(parsed: Config, file: Path | None, model: str | None = None) -> Config:
    """Return the defaults, under the file, under what was typed.

    Args:
        parsed: What the command line was turned into; only typed options count.
        file: The configuration file, if any.
        model: The model's name, where it has an option of its own.

    Raises:
        ConfigError: A key or value of the file that doesn't fit, or two names of the model.
    """
    base = {} if file is None else to_dict(config_files.load(file))
    options = typed(parsed)
    if model is not None:
        if (other := options.get("model", {}).get("name", model)) != model:
            raise ConfigError(f"-m {model} and --model.name {other} both name the model. Give one of them.")
        options = layer(options, {"model": {"name": model}})
    return from_dict(layer(base, options), "the command line")


def asked(parsed: Config, file: Path | None) -> list[Asked]:
    """Return what was asked for, on the command line and in the file."""
    sources = [asked_by("the command line", typed(parsed))]
    return sources if file is None else [*sources, asked_by_file(str(file), config_files.load(file))]


def typed(parsed: Config) -> dict[str, Any]:
    """Return only what was typed of the configuration, as nested plain data."""
    values = to_dict(parsed)
    found: dict[str, Any] = {}
    for path, text in _typed:
        if path and path[0] in values:  # else an option of the verb, not of the configuration
            value = _plain(text) if text is not None else _at(values, path)
            found = layer(found, nest(path, value))
    return found


def nested(options: dict[str, Any] | None) -> dict[str, Any]:
    """Return the arguments that a verb was given as a free mapping: keys with dots become mappings, texts values."""
    found: dict[str, Any] = {}
    for key, value in (options or {}).items():
        found = layer(found, nest(key.split("."), _plain(str(value))))
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


def _at(values: dict[str, Any], path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values
