"""Ranges of a configuration's numbers: each as its type declares, and each loss with a weight."""

import ast
import inspect
import sys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any, get_type_hints

from sceneseg.errors import ConfigError
from sceneseg.ranges import Positive, range_of

LOSSES = ("loss", "aux_loss")
GIVEN = {"model": ("num_classes",), "options": ("root", "split")}
"""Mapping of further arguments -> those that are given elsewhere."""


def check(section: Any, where: str, prefix: str = "") -> None:
    """Compare the numbers of a configuration, or of a section of it, with their ranges.

    Args:
        section: A dataclass whose types declare ranges (`sceneseg.ranges`).
        where: What the configuration was read from, for messages.
        prefix: What stands before the keys in messages.

    Raises:
        ConfigError: The first number out of its range, with the range and what the number means.
    """
    hints = get_type_hints(type(section), include_extras=True)
    for field in fields(section):
        key, value, hint = f"{prefix}{field.name}", getattr(section, field.name), hints[field.name]
        if is_dataclass(value):
            check(value, where, f"{key}.")
        elif field.name in LOSSES:
            for name, given in value.items():
                weight = given.get("weight", 1.0) if isinstance(given, dict) else given
                if problem := _problem(Positive, weight):
                    raise ConfigError(f"{where}: the weight of {key}.{name} {problem}")
        elif problem := _problem(hint, value):
            raise ConfigError(f"{where}: {key} {problem} {explain(type(section), (field.name,))}".strip())
        for name in GIVEN.get(field.name, ()):
            if name in value:
                raise ConfigError(f"{where}: {key}.{name} comes from the data set. Leave it out.")


def _problem(hint: Any, value: Any) -> str:
    limits = range_of(hint)
    expected = limits.problem(value, hint) if limits is not None else None
    shown = list(value) if isinstance(value, tuple) else value
    return f"must be {expected}, found {shown!r}." if expected else ""


def explain(kind: type, path: Sequence[str]) -> str:
    """Return the docstring below a field of a dataclass, for messages; empty where there is none to be read.

    Args:
        kind: The dataclass.
        path: The field's name, behind those of the sections that it lies in.
    """
    for name in path[:-1]:
        kind = get_type_hints(kind)[name] if is_dataclass(kind) and name in get_type_hints(kind) else object
    if not path or not is_dataclass(kind):
        return ""
    return _descriptions(kind.__module__).get(kind.__name__, {}).get(path[-1], "")


@cache
def _descriptions(module: str) -> dict[str, dict[str, str]]:
    """Return the docstrings below the fields of a module's classes."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError):  # a module without a file
        return {}
    found: dict[str, dict[str, str]] = {}
    for node in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for statement, text in pairwise(node.body):
            if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
                continue
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found.setdefault(node.name, {})[statement.target.id] = " ".join(str(text.value.value).split())
    return found
