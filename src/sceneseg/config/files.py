"""Configuration files: YAML in, every value resolved out."""

from pathlib import Path

import yaml

from sceneseg.config import recipes
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.reading import read_yaml
from sceneseg.config.schema import Config


def load(path: Path, ranges: bool = True) -> Config:
    """Read a configuration file.

    Args:
        path: The file, or the name of a recipe, see `sceneseg.config.recipes`.
        ranges: Whether numbers out of their ranges are refused; runs of earlier versions may have some.

    Raises:
        ConfigError: The file is missing, isn't YAML, or has a key or value that doesn't fit.
    """
    return from_dict(read_yaml(recipes.find(path)), str(path), ranges)


def dump(config: Config) -> str:
    """Write a configuration as YAML, every value resolved.

    Example:
        >>> dump(Config()).splitlines()[:2]
        ['task: semantic', 'model: {name: fast_scnn}']
    """
    return yaml.safe_dump(to_dict(config), sort_keys=False, default_flow_style=None, width=100)
