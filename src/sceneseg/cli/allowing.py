"""Python files that the command line names: they may be run."""

import re
from collections.abc import Sequence

from sceneseg.errors import ConfigError
from sceneseg.user_files import allow, is_file_name

OPTION = "--allow"
INSIDE = re.compile(r"[^\s,=\[\]{}'\"]+\.py:[A-Za-z_]\w*")
"""A name of the form ``FILE.py:NAME``, also in a list or behind an equals sign."""


def take_allowed(words: Sequence[str]) -> list[str]:
    """Allow the files that are named anywhere in the words of a command; return the words without ``--allow FILE``.

    Raises:
        ConfigError: The option is followed by something else.

    Example:
        >>> take_allowed(["predict", "--allow", "./no_such_file.py", "-w", "runs/mine"])
        ['predict', '-w', 'runs/mine']
    """
    found: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name != OPTION:
            allow(INSIDE.findall(word))
            found.append(word)
            continue
        value = value if equals else rest.pop(0) if rest else ""
        if not (is_file_name(value) or value.endswith(".py")):
            raise ConfigError(f"{OPTION}: expected a Python file, found {value!r}. Example: {OPTION} ./my_net.py")
        allow(value)
    return found
