"""Choosing a preset of an architecture by name."""

from collections.abc import Mapping
from typing import TypeVar

from sceneseg.errors import ModelError, did_you_mean

T = TypeVar("T")


def choose(choices: Mapping[str, T], name: object, what: str) -> T:
    """Return the choice called `name`; upper case and `_` for `-` are fine, and YAML may read 23 as a number.

    Args:
        choices: Name -> preset; names are lower case with `-`.
        name: What the user wrote.
        what: What is chosen, for the message: "HRNet variant".

    Raises:
        ModelError: There is no such choice; the message suggests the closest.
    """
    key = str(name).lower().replace("_", "-")
    if key in choices:
        return choices[key]
    raise ModelError(f'There is no {what} "{name}".{did_you_mean(key, choices)} Known: {", ".join(choices)}.')
