"""Options of arguments and configuration keys: an error of the library names the one, a user types the other."""

from collections.abc import Iterator, Sequence

from cyclopts import App, Argument


def option_of(app: App, words: Sequence[str], field: str) -> str | None:
    """Return how a command spells the option of a field, ``-p, --root``; None where it has none.

    Args:
        app: The command line.
        words: Command and options, as they were typed.
        field: An argument of a function ("weights") or a configuration key ("data.root"), see `ScenesegError`.
    """
    _, apps, _ = app.parse_commands(list(words))
    if apps[-1].default_command is None:
        return None
    collection = apps[-1].assemble_argument_collection(parse_docstring=False)
    options = [option for option in collection if option.name.startswith("-") and not option.children]
    options.sort(key=lambda option: len(option.keys))  # the command's own options before those of the configuration
    for name in _names(field):
        for option in options:
            if name in {".".join(option.keys), option.field_info.name if not option.keys else None, _long(option)}:
                return _spelled(option)
    return None


def _names(field: str) -> Iterator[str]:
    """Yield what an option for the field may be called, the likeliest first."""
    section, _, key = field.rpartition(".")
    yield field
    yield f"{field}.name"  # data: data.name
    if key == "name":
        yield section
    elif section:
        yield key  # data.root, where the command has a root of its own


def _long(option: Argument) -> str:
    return option.name.removeprefix("--").replace("-", "_")


def _spelled(option: Argument) -> str:
    negative = {name for name in option.names if name.rpartition(".")[2].removeprefix("--").startswith("no-")}
    names = [name for name in option.names if name not in negative]
    short = [name for name in names if not name.startswith("--")]
    long = sorted((name for name in names if name.startswith("--")), key=len)
    return ", ".join([*short[:1], *long[:1]])
