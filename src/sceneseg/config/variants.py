"""Variants of a configuration that are compared: one for each model and each combination of what is varied."""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sceneseg.config import files as config_files
from sceneseg.config import recipes
from sceneseg.config.asked import Asked, asked_by_file
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.layering import layer
from sceneseg.config.reading import parse_yaml, read_yaml
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError
from sceneseg.user_files import absolute, allow, is_file_name, short_name

FILES = {".yaml", ".yml"}


@dataclass(frozen=True)
class Variant:
    """A configuration with its name among those that it is compared with.

    Args:
        name: A folder's name, unlike those of the other variants: "unet", "unet-sgd".
        config: Its configuration.
        changes: Intended differences: dotted key -> value.
    """

    name: str
    config: Config
    changes: dict[str, object]


def make_variants(base: Config, models: Sequence[str], vary: Sequence[str] = ()) -> list[Variant]:
    """Make a variant of every model with every combination of what is varied.

    Args:
        base: What all have in common.
        models: Model names, or YAML files with the values that are a candidate's own; none is the model of `base`.
        vary: What is varied, "optim.name=sgd,adamw"; several make all combinations.

    Raises:
        ConfigError: A key, value or file that doesn't fit, or a combination that is there twice.

    Example:
        >>> [variant.name for variant in make_variants(Config(), ["unet", "erfnet"], ["optim.name=sgd,adamw"])]
        ['unet-sgd', 'unet-adamw', 'erfnet-sgd', 'erfnet-adamw']
    """
    varied = [parse_vary(text) for text in vary]
    keys = [key for key, _ in varied]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise ConfigError(f"{twice[0]} is varied twice. Put all values behind one: {twice[0]}=A,B,C", field="vary")
    variants = []
    for model in list(models) or [""]:
        start, word = _of_model(base, model) if model else (base, "")
        for values in itertools.product(*(values for _, values in varied)):
            changes = {key: value for (key, _), value in zip(varied, values, strict=True)}
            config = start
            for key, value in changes.items():
                config = set_value(config, key, value)
            words = [_word(key, value) for key, value in changes.items()]
            shown = [word] if word and (len(models) > 1 or not words) else []
            name = "-".join([*shown, *words]) or short_name(config.model_name)
            own = {"model": word} if word else {}
            allow(to_dict(config))
            variants.append(Variant(_folder(name), config, {**own, **changes}))
    _check_different(variants)
    return variants


def parse_vary(text: str) -> tuple[str, list[Any]]:
    """Read "KEY=A,B,C": values are YAML (numbers, words, [lists], {mappings}); 256x512 is a size.

    Raises:
        ConfigError: It reads otherwise, or has fewer than two values.

    Example:
        >>> parse_vary("data.target-size=256x512,512x1024")
        ('data.target_size', [[256, 512], [512, 1024]])
    """
    key, _, written = text.partition("=")
    key = key.strip()
    try:
        values = parse_yaml(f"[{written}]", "vary")
    except ConfigError:
        values = []
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", key) or len(values) < 2:
        raise ConfigError(
            f"What is varied must be a key of the configuration with two or more values, for example "
            f'optim.name=sgd,adamw or data.target_size=256x512,512x1024; found "{text}".',
            field="vary",
        )
    return key.replace("-", "_"), [_size(value) for value in values]


def set_value(config: Config, key: str, value: Any) -> Config:
    """Return a configuration with another value; a mapping replaces the one that was there.

    Raises:
        ConfigError: There is no such key, or the value doesn't fit.

    Example:
        >>> set_value(Config(), "optim.lr", 0.5).optim.lr
        0.5
    """
    plain = to_dict(config)
    *parents, last = key.split(".")
    inner: Any = plain
    for parent in parents:
        if not isinstance(inner.get(parent), dict):
            inner[parent] = {}
        inner = inner[parent]
    inner[last] = value
    return from_dict(plain, f"vary {key}")


def listed(models: Iterable[str] | None) -> list[str]:
    """Return the names of lists like "unet,erfnet".

    Example:
        >>> listed(["unet, erfnet", "segnet"])
        ['unet', 'erfnet', 'segnet']
    """
    return [word.strip() for text in models or [] for word in text.split(",") if word.strip()]


def asked_by_candidates(models: Iterable[str]) -> list[Asked]:
    """Return the options that the files among the candidates set."""
    files = [Path(model) for model in models if Path(model).suffix in FILES or model in recipes.names()]
    return [asked_by_file(str(file), config_files.load(file)) for file in files]


def _of_model(base: Config, model: str) -> tuple[Config, str]:
    """Return the configuration of a model or of a file laid over the base, and the candidate's name."""
    path = Path(model)
    if path.suffix in FILES or model in recipes.names():
        own = read_yaml(recipes.find(path))
        plain = to_dict(base)
        for key in {"model", "loss", "aux_loss"} & own.keys():  # their keys depend on the names in them
            del plain[key]
        return from_dict(layer(plain, own), model), path.stem
    if absolute(model) == base.model_name:
        return base, short_name(model)  # with the arguments that were given for it
    return from_dict({**to_dict(base), "model": {"name": model}}), short_name(model)


def _word(key: str, value: Any) -> str:
    """Write a value for a name: words stand alone, numbers behind what they are."""
    if isinstance(value, dict):
        return "+".join(f"{k}" if v in (1, 1.0, None) else f"{k}-{v}" for k, v in value.items()) or "none"
    if isinstance(value, list):
        return "x".join(map(str, value))
    if isinstance(value, str) and is_file_name(value):
        return short_name(value)
    if isinstance(value, str) and "/" in value:
        return Path(value).stem
    speaks = isinstance(value, str) and not re.match(r"[\d.+-]", value)
    return str(value) if speaks else f"{key.rpartition('.')[2]}-{value}"


def _size(value: Any) -> Any:
    found = re.fullmatch(r"(\d+)x(\d+)", value) if isinstance(value, str) else None
    return [int(found[1]), int(found[2])] if found else value


def _folder(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", name).strip(".") or "candidate"


def _check_different(variants: Sequence[Variant]) -> None:
    seen: dict[str, Variant] = {}
    for variant in variants:
        if variant.name in seen:
            raise ConfigError(
                f'Two candidates are called "{variant.name}". Name every model and every value once; files need '
                f"different names.",
                field="models",
            )
        seen[variant.name] = variant
