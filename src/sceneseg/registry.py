"""A shelf of things that are created by name; each thing is one file, and its name is the file's name."""

import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

from sceneseg.errors import EXTRAS, ConfigError, MissingPackageError, UnknownNameError, did_you_mean
from sceneseg.ranges import range_of

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])

OWN = "own:"
"""Begins the names of things that a Python program lends to a shelf; they lie in none of its files."""


class Registry(Generic[T]):
    """Creates the things of one shelf by name, and imports a thing's file only when it is asked for.

    A file belongs to the shelf when one of its lines starts with ``@register``; reading the list of names
    therefore imports nothing. Names are compared without case, ``-``, ``_`` and spaces, and ``+`` reads as
    ``plus``, so that ``FastSCNN``, ``fast-scnn`` and ``fastscnn`` are one name.

    Args:
        kind: What the shelf holds, for messages ("model", "data set").
        package: The package whose modules are the things, for example ``sceneseg.models``.
        aliases: Further spellings that people use, spelling -> registry name.
    """

    def __init__(self, kind: str, package: str, aliases: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self.package = package
        self._aliases = dict(aliases or {})
        self._things: dict[str, Callable[..., T]] = {}

    def register(self, thing: C) -> C:
        """Put a class or function on the shelf under the name of the file that defines it."""
        self._things[thing.__module__.rpartition(".")[2]] = thing
        return thing

    @contextmanager
    def lend(self, name: str, thing: Callable[..., T]) -> Iterator[None]:
        """Put a thing on the shelf for as long as the context lasts; its name begins with `OWN`."""
        self._things[name] = thing
        try:
            yield
        finally:
            del self._things[name]

    def names(self) -> list[str]:
        """Return the names on the shelf in alphabetical order, without importing their files."""
        folder = Path(import_module(self.package).__path__[0])
        files = (name for _, name, _ in pkgutil.iter_modules([str(folder)]) if not name.startswith("_"))
        return sorted(name for name in files if _registers(folder / f"{name}.py"))

    def resolve(self, name: str) -> str:
        """Return the registry name for any accepted spelling.

        Raises:
            UnknownNameError: Nothing on the shelf is called that; the message suggests the closest name.
        """
        if name.startswith(OWN):
            if name in self._things:
                return name
            raise UnknownNameError(
                f'The {self.kind} "{name.removeprefix(OWN)}" came from a Python program and lies on no shelf. Give it '
                f"again where the program gave it: see docs/python.md."
            )
        spellings = {_normal(known): known for known in self.names()}
        spellings |= {_normal(alias): known for alias, known in self._aliases.items()}
        if found := spellings.get(_normal(name)):
            return found
        hint = did_you_mean(name, [*self.names(), *self._aliases])
        raise UnknownNameError(f'There is no {self.kind} called "{name}".{hint} Known: {", ".join(self.names())}.')

    def get(self, name: str) -> Callable[..., T]:
        """Return the class or function behind a name.

        Raises:
            UnknownNameError: Nothing on the shelf is called that.
            MissingPackageError: Its file imports an optional package that isn't installed.
        """
        name = self.resolve(name)
        if name not in self._things:
            try:
                import_module(f"{self.package}.{name}")
            except ModuleNotFoundError as error:
                if error.name not in EXTRAS:
                    raise
                raise MissingPackageError(error.name) from None
        return self._things[name]

    def create(self, name: str, /, **arguments: Any) -> T:
        """Create the thing called `name`.

        Raises:
            UnknownNameError: There is no such name.
            ConfigError: The thing has no argument of that name, a required one is missing, or a number is out of range.
        """
        maker = self.get(name)
        check_arguments(maker, arguments, f'{self.kind} "{self.resolve(name)}"')
        return maker(**arguments)


def check_arguments(maker: Callable[..., Any], arguments: Mapping[str, Any], what: str) -> None:
    """Compare arguments with a constructor's signature and name the first that doesn't fit.

    Raises:
        ConfigError: An unknown or a missing argument, with the closest known one, a number out of the range that the
            signature declares, or something else than true or false.
    """
    parameters = inspect.signature(maker).parameters
    for key in arguments:
        if key not in parameters:
            raise ConfigError(
                f'The {what} has no argument "{key}".{did_you_mean(key, parameters)} It takes: {", ".join(parameters)}.'
            )
    missing = [k for k, p in parameters.items() if p.default is p.empty and k not in arguments]
    if missing:
        raise ConfigError(f"The {what} needs a value for {', '.join(missing)}.")
    for key, value in arguments.items():
        if expected := _expected(parameters[key].annotation, value):
            raise ConfigError(f"The {what}: {key} must be {expected}, found {value!r}.")


def _expected(hint: Any, value: Any) -> str | None:
    """Return what an argument of a type must be where a value isn't that: ranges, switches, and where no number goes.

    All else the thing itself looks at.
    """
    if (limits := range_of(hint)) is not None:
        return limits.problem(value, hint)
    if hint is bool:  # else any word would be true
        return None if value in (True, False) else "true or false"
    numeric = (int, float, bool, object, Any, inspect.Parameter.empty)
    takes_numbers = any(kind in numeric for kind in (hint, *get_args(hint)))
    return "a name or a list, not a number" if isinstance(value, int | float) and not takes_numbers else None


def _normal(name: str) -> str:
    return re.sub(r"[-_ ]", "", name.lower()).replace("+", "plus")


def _registers(file: Path) -> bool:
    return file.is_file() and any(line.startswith("@register") for line in file.read_text().splitlines())
