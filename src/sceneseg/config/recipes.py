"""The recipes that come with the package, found by name: ``camvid/fast_scnn``."""

from pathlib import Path

from sceneseg.errors import ConfigError, did_you_mean

FOLDERS = (Path(__file__).parents[1] / "recipes", Path(__file__).parents[3] / "recipes")
"""Where they are: in an installed package, and in a clone."""


def folder() -> Path:
    """Return the folder of the recipes.

    Raises:
        ConfigError: There is none, as the package was put together without it.
    """
    for found in FOLDERS:
        if (found / "toy").is_dir():
            return found
    raise ConfigError(f"{FOLDERS[0]}: the recipes are missing from this installation. Install sceneseg again.")


def names() -> list[str]:
    """Return the names of all recipes.

    >>> "camvid/fast_scnn" in names()
    True
    """
    root = folder()
    return sorted(file.relative_to(root).with_suffix("").as_posix() for file in root.glob("*/*.yaml"))


def find(name: str | Path) -> Path:
    """Return a configuration file by its path, or a recipe by its name.

    Args:
        name: A file, or a recipe: ``camvid/fast_scnn``, with or without ``recipes/`` and ``.yaml``.

    Raises:
        ConfigError: There is neither; the message suggests the closest recipe.
    """
    path = Path(name)
    if path.is_file() or path.is_dir() or path.is_absolute():
        return path
    recipe = path.as_posix().removeprefix("./").removeprefix("recipes/").removesuffix(".yaml")
    if recipe in names():
        return folder() / f"{recipe}.yaml"
    raise ConfigError(
        f"{path}: there is no such configuration file, and no recipe of that name.{did_you_mean(recipe, names())} "
        f"Recipes: {', '.join(names())}."
    )
