"""Options that were asked for, as opposed to those that have their defaults."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.layering import flat
from sceneseg.config.schema import Config


@dataclass(frozen=True)
class Asked:
    """Options that one source sets.

    Args:
        where: The source, for messages.
        keys: Dotted keys of the configuration.
        own: The configuration of the source alone, if it is one.
    """

    where: str
    keys: Collection[str]
    own: Config | None = None


def asked_by(where: str, options: Mapping[str, object]) -> Asked:
    """Return what options ask for: each of them, also one that has its default.

    Args:
        where: The source, for messages.
        options: Nested plain data.
    """
    return Asked(where, flat(options).keys())


def asked_by_file(where: str, config: Config) -> Asked:
    """Return what a configuration asks for: all that isn't as it would be without it.

    A run's config.yaml has every key, so that a default value means nothing.
    """
    usual, found = (flat(to_dict(c)) for c in (from_dict({"task": config.task}), config))
    return Asked(where, [key for key, value in found.items() if key not in usual or usual[key] != value], config)
