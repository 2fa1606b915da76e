"""Renaming of tensors, by rules that are data."""

import re
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from sceneseg.errors import RunError

State = Mapping[str, Tensor]
Rules = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]
"""Pairs of a regular expression and what replaces it, as `re.sub` takes them."""


def renamed(key: str, rules: Rules) -> str:
    r"""Apply every rule, in order, to a name.

    Example:
        >>> renamed("conv1.0.weight", [(r"^conv1\.(\d)\.", r"stem.\1.")])
        'stem.0.weight'
    """
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def rename(state: State, rules: Rules) -> dict[str, Tensor]:
    """Apply every rule to every name.

    Raises:
        RunError: Two tensors would have one name.
    """
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        name = renamed(key, rules)
        if name in found:
            raise RunError(f"Expected tensors with names of their own, found two that stand for {name}: {key} is one.")
        found[name] = value
    return found


def count(state: State, pattern: str) -> int:
    """Count the different texts that the first group of `pattern` finds at the start of names."""
    return len({match[1] for key in state if (match := re.match(pattern, key))})


def matches(key: str, patterns: Sequence[str]) -> bool:
    """Return whether one of the regular expressions is found in a name."""
    return any(re.search(pattern, key) for pattern in patterns)


def shape(state: State, key: str, dimensions: int = 4) -> tuple[int, ...]:
    """Return the shape of a tensor that distinguishes the variants.

    Raises:
        RunError: There is none of so many dimensions.
    """
    found = tuple(state[key].shape) if key in state else None
    if found is None or len(found) != dimensions:
        shown = "none" if found is None else f"one of the shape {found}"
        raise RunError(f"Expected a tensor {key} of {dimensions} dimensions, found {shown}. Fetch the file again.")
    return found
