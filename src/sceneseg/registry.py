"""Shelves of things that are created by name: the package's own files, what users register, and installed packages."""

import inspect
import pkgutil
import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, overload

from sceneseg import user_files
from sceneseg.errors import EXTRAS, ConfigError, MissingPackageError, UnknownNameError, did_you_mean
from sceneseg.ranges import range_of
from sceneseg.user_files import is_file_name, snake_case, source_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])

USER_SUPPLIED = "own:"
"""Begins the names of objects that a Python program gives for one call; weights files store it."""

_names: "weakref.WeakKeyDictionary[Callable[..., Any], str]" = weakref.WeakKeyDictionary()


class Registry(Generic[T]):
    """Creates the things of one shelf by name, and imports a thing's file only when it is asked for.

    Four kinds of things have a name here:

    - Files of the shelf's package in which a line starts with ``@register``, under the file's name; reading the list of
      names therefore imports nothing.
    - Classes and functions that are registered elsewhere, in a notebook or another package, under the name that they
      ask for, ``@register(name="my_net")``, or else the snake_case of their own.
    - Entry points of installed packages, in the group `group`.
    - ``FILE.py:NAME``, a class or function in a Python file of the user; what an allowed file registers counts, too.
      See `sceneseg.user_files`.

    Names are compared without case, ``-``, ``_`` and spaces, and ``+`` reads as ``plus``, so that ``FastSCNN``,
    ``fast-scnn`` and ``fastscnn`` are one name.

    Args:
        kind: What the shelf holds, for messages ("model", "data set").
        package: The package whose modules are the things, for example ``sceneseg.models``.
        aliases: Further spellings that people use, spelling -> registry name.
        field: The argument or configuration key that names a thing, for errors ("model.name").
        adapt: "module:function" that makes a thing of the shelf of what comes from outside of the package, where that
            may be of another kind; imported when it is needed.

    Example:
        >>> from sceneseg.models import models
        >>> models.resolve("FastSCNN"), "unet" in models.names(), models.group
        ('fast_scnn', True, 'sceneseg.models')
    """

    def __init__(
        self,
        kind: str,
        package: str,
        aliases: Mapping[str, str] | None = None,
        *,
        field: str | None = None,
        adapt: str | None = None,
    ) -> None:
        self.kind = kind
        self.package = package
        self.group = f"sceneseg.{package.rpartition('.')[2]}"
        self.field = field
        self._adapt = adapt
        self._aliases = dict(aliases or {})
        self._things: dict[str, Callable[..., T]] = {}
        self._adapted: dict[str, tuple[Callable[..., Any], Callable[..., T]]] = {}

    @overload
    def register(self, thing: C, /) -> C: ...

    @overload
    def register(self, /, *, name: str) -> Callable[[C], C]: ...

    def register(self, thing: Any = None, /, *, name: str | None = None) -> Any:
        """Put a class or function on the shelf, as a decorator.

        Args:
            thing: Of the shelf's package under the name of the file that defines it; of anywhere else under `name`, or
                the snake_case of its own.
            name: What it is called, for things that aren't in the package.

        Raises:
            ConfigError: The name is taken; the message names both files. Registering a thing anew, as a notebook's
                cell does when it is run again, replaces it.
        """
        if thing is None:
            return lambda thing: self._add(thing, name)
        return self._add(thing, name)

    @contextmanager
    def temporarily(self, name: str, thing: Callable[..., T]) -> Iterator[str]:
        """Put a thing on the shelf for as long as the context lasts, and yield its name, which begins with "own:"."""
        name = USER_SUPPLIED + name
        self._things[name] = thing
        _names[thing] = name
        try:
            yield name
        finally:
            del self._things[name]

    def names(self) -> list[str]:
        """Return the names on the shelf in alphabetical order, without importing what they stand for."""
        user_files.run_allowed()
        registered = [name for name in self._things if not name.startswith(USER_SUPPLIED)]
        return sorted({*self._files, *registered, *self._entry_points()})

    def builtin(self) -> list[str]:
        """Return the names of the package's own files in alphabetical order."""
        return list(self._files)

    def resolve(self, name: str) -> str:
        """Return the registry name for any accepted spelling; of ``FILE.py:NAME`` that with the whole path.

        Raises:
            UnknownNameError: Nothing on the shelf is called that; the message suggests the closest name.
        """
        if name.startswith(USER_SUPPLIED):
            if name in self._things:
                return name
            raise UnknownNameError(
                f'The {self.kind} "{name.removeprefix(USER_SUPPLIED)}" was given by a Python program as an object. '
                f"Give it again where the program gave it: see docs/python.md.",
                field=self.field,
            )
        if is_file_name(name):
            return user_files.located(name)
        spelling = _normal(name)
        if known := {_normal(known): known for known in (*self._things, *self._files)}.get(spelling):
            return known
        if known := {_normal(alias): known for alias, known in self._aliases.items()}.get(spelling):
            return known
        if known := {_normal(known): known for known in self._entry_points()}.get(spelling):
            return known
        user_files.run_allowed()
        if known := {_normal(known): known for known in self._things}.get(spelling):
            return known
        raise UnknownNameError(self._unknown(name), field=self.field)

    def get(self, name: str) -> Callable[..., T]:
        """Return the class or function behind a name.

        Raises:
            UnknownNameError: Nothing on the shelf is called that.
            ConfigError: The file or package that defines it can't be imported.
            MissingPackageError: Its file imports an optional package that isn't installed.
        """
        name = self.resolve(name)
        if is_file_name(name):
            thing = None if user_files.is_allowed(name) else self._registered_by(name)
            return self._outside(name, thing or user_files.load(name, self.kind, self.field))
        if name in self._files:
            if name not in self._things:
                with _optional_packages():
                    import_module(f"{self.package}.{name}")
            return self._things[name]
        if name not in self._things:
            self._load_entry_point(name)
        return self._outside(name, self._things[name])

    def create(self, name: str, /, **arguments: Any) -> T:
        """Create the thing called `name`.

        Raises:
            UnknownNameError: There is no such name.
            ConfigError: The thing has no argument of that name, a required one is missing, or a number is out of range.
        """
        maker = self.get(name)
        check_arguments(maker, arguments, f'{self.kind} "{self.resolve(name)}"')
        with _optional_packages():
            return maker(**arguments)

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Names of the package's files -> the files."""
        folder = Path(import_module(self.package).__path__[0])
        names = [name for _, name, _ in pkgutil.iter_modules([str(folder)]) if not name.startswith("_")]
        files = {name: folder / f"{name}.py" for name in sorted(names)}
        return {name: file for name, file in files.items() if _registers(file)}

    def _entry_points(self) -> "dict[str, list[EntryPoint]]":
        """Return what installed packages offer, name -> by whom; it is loaded when it is used."""
        from importlib.metadata import entry_points  # takes longer than all else here, and most names are files

        found: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=self.group):
            if not any(entry.value == other.value for other in found.setdefault(entry.name, [])):
                found[entry.name].append(entry)
        return found

    def _load_entry_point(self, name: str) -> None:
        entries = self._entry_points()[name]
        if len(entries) > 1:
            packages = " and ".join(_package(entry) for entry in entries)
            raise ConfigError(
                f'{packages} both offer a {self.kind} called "{name}". Uninstall one of them.', field=self.field
            )
        (entry,) = entries
        try:
            thing = entry.load()
        except Exception as error:  # any error of the package
            raise ConfigError(
                f'The {self.kind} "{name}" comes from {_package(entry)}, which can\'t be imported '
                f"({type(error).__name__}: {error}). Repair or uninstall that package.",
                field=self.field,
            ) from error
        if name not in self._things:  # else its file has registered it under this name
            self._add(thing, name)

    def _add(self, thing: C, name: str | None) -> C:
        package, _, module = thing.__module__.rpartition(".")
        inside = package == self.package and name is None
        if inside:
            name = module
        elif name is None:
            name = snake_case(thing.__name__)
        self._check_free(name, thing, inside)
        self._things[name] = thing
        _names[thing] = name
        return thing

    def _check_free(self, name: str, thing: Callable[..., Any], inside: bool) -> None:
        spelling = _normal(name)
        taken: dict[str, str] = {} if inside else {_normal(file): str(path) for file, path in self._files.items()}
        taken |= {} if inside else {_normal(alias): f"sceneseg ({alias})" for alias in self._aliases}
        for other in [key for key in self._things if _normal(key) == spelling]:
            if _is_same(self._things[other], thing):
                del self._things[other]
            else:
                taken[spelling] = source_of(self._things[other])
        if spelling in taken:
            raise ConfigError(
                f'The {self.kind} name "{name}" is given twice, in {taken[spelling]} and in {source_of(thing)}. Give '
                f'the second another, for example with @register(name="my_{name}").',
                field=self.field,
            )

    def _registered_by(self, name: str) -> Callable[..., Any] | None:
        """Return what the program has registered from ``FILE.py:NAME``."""
        file, _, attribute = name.rpartition(":")
        same = (thing for thing in self._things.values() if thing.__qualname__ == attribute)
        return next((thing for thing in same if source_of(thing) == file), None)

    def _outside(self, name: str, thing: Callable[..., Any]) -> Callable[..., T]:
        """Return a thing from outside of the package as one of the shelf."""
        if self._adapt is None or name.startswith(USER_SUPPLIED):
            _names[thing] = name
            return thing
        if name not in self._adapted or self._adapted[name][0] is not thing:
            module, _, function = self._adapt.partition(":")
            self._adapted[name] = thing, getattr(import_module(module), function)(thing)
        adapted = self._adapted[name][1]
        _names[adapted] = name
        return adapted

    def _unknown(self, name: str) -> str:
        if name.endswith((".py", ".py:")):
            file = name.rstrip(":")
            return f"{name}: which {self.kind} of this file? Name the class or function in it, {file}:NAME."
        hint = did_you_mean(name, [*self.names(), *self._aliases])
        return f'There is no {self.kind} called "{name}".{hint} Known: {", ".join(self.names())}.'


def name_of(thing: Callable[..., Any]) -> str:
    """Return the name of a class or function on its shelf.

    One that is on none has the name that it would have: its file's name within this package, the snake_case of its own
    anywhere else.

    Example:
        >>> from sceneseg.models import models
        >>> name_of(models.get("fast_scnn"))
        'fast_scnn'
    """
    if (name := _names.get(thing)) is not None:
        return name
    package, _, module = thing.__module__.rpartition(".")
    return module if package.startswith("sceneseg.") else snake_case(thing.__name__)


def check_arguments(maker: Callable[..., Any], arguments: Mapping[str, Any], what: str) -> None:
    """Compare arguments with a constructor's signature and name the first that doesn't fit.

    Raises:
        ConfigError: An unknown or a missing argument, with the closest known one, a number out of the range that the
            signature declares, or something else than true or false.
    """
    parameters = dict(inspect.signature(maker).parameters)
    open_ended = [k for k, p in parameters.items() if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    takes_any = any(parameters.pop(key).kind is inspect.Parameter.VAR_KEYWORD for key in open_ended)
    for key in arguments:
        if key not in parameters and not takes_any:
            raise ConfigError(
                f'The {what} has no argument "{key}".{did_you_mean(key, parameters)} It takes: {", ".join(parameters)}.'
            )
    missing = [k for k, p in parameters.items() if p.default is p.empty and k not in arguments]
    if missing:
        raise ConfigError(f"The {what} needs a value for {', '.join(missing)}.")
    for key, value in arguments.items():
        if key in parameters and (expected := _expected(parameters[key].annotation, value)):
            raise ConfigError(f"The {what}: {key} must be {expected}, found {value!r}.")


def _expected(hint: Any, value: Any) -> str | None:
    """Return what an argument of a type must be where a value isn't that: ranges, switches, and where no number goes.

    All else the thing itself looks at.
    """
    if isinstance(hint, str):  # of a file with `from __future__ import annotations`
        return None
    if (limits := range_of(hint)) is not None:
        return limits.problem(value, hint)
    if hint is bool:  # else any word would be true
        return None if value in (True, False) else "true or false"
    numeric = (int, float, bool, object, Any, inspect.Parameter.empty)
    takes_numbers = any(kind in numeric for kind in (hint, *get_args(hint)))
    return "a name or a list, not a number" if isinstance(value, int | float) and not takes_numbers else None


@contextmanager
def _optional_packages() -> Iterator[None]:
    """Describe, for an optional package that isn't installed, how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        raise MissingPackageError(error.name) from None


def _is_same(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Return whether one is the other, made anew: a file was run again or has moved, or a notebook's cell was."""
    if one is other or one.__qualname__ != other.__qualname__:
        return one is other
    file = Path(source_of(one))
    in_notebook = one.__module__ == other.__module__ == "__main__"
    return in_notebook or str(file) == source_of(other) or (file.is_absolute() and not file.exists())


def _package(entry: "EntryPoint") -> str:
    return (
        f"the package {entry.dist.name} {entry.dist.version}"
        if entry.dist is not None
        else f"the package of {entry.value}"
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_ ]", "", name.lower()).replace("+", "plus")


def _registers(file: Path) -> bool:
    return file.is_file() and any(line.startswith("@register") for line in file.read_text().splitlines())
