"""Files of the command line: one a verb, which parses, calls a function and prints."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
from cyclopts import App

from sceneseg.cli import app

MOST = 40
"""Lines of a verb's file without the signature and the docstring of the verb."""
LONGER = {"train", "evaluate", "predict", "compare", "export", "bench"}
"""Files that hold more than parsing and printing still."""


def verbs(group: App) -> list[Callable]:
    """Return the functions behind all commands of a group."""
    inner = [group[name] for name in group if not name.startswith("-")]
    return [verb for one in inner for verb in verbs(one)] or [group.default_command]


EVERY = verbs(app.app)


@pytest.mark.parametrize("verb", EVERY, ids=lambda verb: verb.__module__.rpartition(".")[2])
def test_a_verb_has_a_short_file_of_its_own(verb):
    file = Path(inspect.getsourcefile(verb))
    assert [other for other in EVERY if inspect.getsourcefile(other) == str(file)] == [verb]
    if file.stem in LONGER:
        return
    text = file.read_text().splitlines()
    (function,) = [
        n for n in ast.parse("\n".join(text)).body if isinstance(n, ast.FunctionDef) and n.name == verb.__name__
    ]
    docstring = function.body[0]
    rest = text[: function.lineno - 1] + text[docstring.end_lineno :]
    assert len([line for line in rest if line.strip()]) <= MOST


def test_there_are_as_many_verbs_as_commands():
    assert len(EVERY) == 26
