"""Layers of nested plain data: defaults, a file, a candidate's values, options; later ones win."""

from collections.abc import Mapping, Sequence
from typing import Any

LOSSES = ("loss", "aux_loss")
"""Mappings whose values are either a weight or arguments with a weight among them."""


def layer(base: Mapping[str, object], *overrides: Mapping[str, object]) -> dict[str, object]:
    """Return a configuration with others laid over it, mapping by mapping.

    A loss that one layer gives by its weight alone keeps that weight when another layer gives it arguments.

    Args:
        base: The lowest layer, as nested plain data; not changed.
        overrides: The further ones, the strongest last.

    Example:
        >>> layer({"optim": {"name": "sgd", "lr": 0.1}}, {"optim": {"lr": 0.5}}, {"seed": 3})
        {'optim': {'name': 'sgd', 'lr': 0.5}, 'seed': 3}
        >>> layer({"loss": {"cross_entropy": 0.5}}, {"loss": {"cross_entropy": {"label_smoothing": 0.1}}})
        {'loss': {'cross_entropy': {'weight': 0.5, 'label_smoothing': 0.1}}}
    """
    merged = dict(base)
    for override in overrides:
        lower, upper = merged, dict(override)
        for key in LOSSES:
            ours, theirs = lower.get(key), upper.get(key)
            if isinstance(ours, dict) and isinstance(theirs, dict):
                lower[key] = {name: _spelled_out(value, theirs.get(name)) for name, value in ours.items()}
                upper[key] = {name: _spelled_out(value, ours.get(name)) for name, value in theirs.items()}
        merged = _merge(lower, upper)
    return merged


def nest(path: Sequence[str], value: Any) -> dict[str, object]:
    """Return a value as nested plain data.

    Args:
        path: The keys that lead to it, at least one.
        value: Plain.

    Example:
        >>> nest(["optim", "lr"], 0.1)
        {'optim': {'lr': 0.1}}
    """
    for key in reversed(path):
        value = {key: value}
    nested: dict[str, object] = value
    return nested


def flat(data: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested plain data as one mapping with dotted keys.

    Args:
        data: Nested mappings; an empty one has no keys.
        prefix: What stands before each key.

    Example:
        >>> flat({"optim": {"name": "sgd", "lr": 0.1}, "seed": 0})
        {'optim.name': 'sgd', 'optim.lr': 0.1, 'seed': 0}
    """
    found: dict[str, object] = {}
    for name, value in data.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def _merge(base: dict[str, object], override: Mapping[str, object]) -> dict[str, object]:
    merged = dict(base)
    for key, value in override.items():
        lower = merged.get(key)
        merged[key] = _merge(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged


def _spelled_out(value: Any, other: Any) -> Any:
    return {"weight": value} if isinstance(other, dict) and not isinstance(value, dict) else value
