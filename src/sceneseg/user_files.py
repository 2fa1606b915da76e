"""Python files of the user: the classes and functions in them are named ``FILE.py:NAME``.

Importing a file runs it. That happens only to files that were allowed, which means that the user has named them in the
command, the configuration or the call; the header of a weights file or the configuration of a stored run may name any
file, and nothing is run on their word.
"""

import hashlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from sceneseg.errors import ConfigError, ScenesegError, UnknownNameError, did_you_mean

PATTERN = re.compile(r"(?P<file>[^\n]*\.py):(?P<name>[A-Za-z_]\w*)")
PREFIX = "sceneseg_user_file_"
"""Begins the module names of files that are loaded here."""

_allowed: dict[str, None] = {}  # paths in the order in which they were named
_modules: dict[str, tuple[tuple[int, int], ModuleType]] = {}
_running: set[str] = set()


def is_file_name(name: object) -> bool:
    """Return whether a name has the form ``FILE.py:NAME``.

    Example:
        >>> is_file_name("./my_net.py:MyNet"), is_file_name("unet"), is_file_name("my_net.py")
        (True, False, False)
    """
    return isinstance(name, str) and PATTERN.fullmatch(name) is not None


def absolute(name: str) -> str:
    """Return ``FILE.py:NAME`` with the whole path, so that it holds in any folder; other names as they are.

    Example:
        >>> absolute("unet")
        'unet'
    """
    found = PATTERN.fullmatch(name) if isinstance(name, str) else None
    return name if found is None else f"{os.path.abspath(Path(found['file']).expanduser())}:{found['name']}"


def short_name(name: str) -> str:
    """Return a name for folders and tables: the snake_case of NAME for ``FILE.py:NAME``, others as they are.

    Example:
        >>> short_name("/home/me/nets.py:FastSCNN2"), short_name("unet")
        ('fast_scnn2', 'unet')
    """
    found = PATTERN.fullmatch(name)
    return name if found is None else snake_case(found["name"])


def snake_case(name: str) -> str:
    """Return the snake_case of a class's name.

    Example:
        >>> [snake_case(name) for name in ("MyNet", "UNet", "FastSCNN2", "HRNetV2Small", "lion")]
        ['my_net', 'u_net', 'fast_scnn2', 'hr_net_v2_small', 'lion']
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().strip("_")


def allow(*given: Any) -> None:
    """Allow Python files to be run, as the user has named them.

    Names that are given to `sceneseg.train`, on the command line or in a configuration file are allowed by that. This
    is for files that a stored run or weights file names.

    Args:
        given: Files, or ``FILE.py:NAME``; also lists and mappings of a configuration that hold such, in which anything
            else is skipped.

    Example:
        >>> import sceneseg
        >>> sceneseg.allow("unet", {"loss": {"./no_such_file.py:MyLoss": 1.0}})
        >>> allowed()[-1].endswith("/no_such_file.py")
        True
    """
    for file in _files(given):
        _allowed[os.path.abspath(Path(file).expanduser())] = None


def allowed() -> tuple[str, ...]:
    """Return the files that were allowed, for a process that computes a part of the same call."""
    return tuple(_allowed)


def run_allowed() -> None:
    """Run the allowed files that haven't been run yet, so that what they register is on its shelf.

    Raises:
        ConfigError: One of them can't be imported.
    """
    for path in list(_allowed):
        if Path(path).is_file() and path not in _running:
            _module(path, "allow")


def is_allowed(name: str) -> bool:
    """Return whether the file of ``FILE.py:NAME`` was allowed, here or where it has moved to."""
    return located(name).rpartition(":")[0] in _allowed


def located(name: str) -> str:
    """Return a name with the path of the allowed file; one that has moved is known by the file's own name.

    Args:
        name: ``FILE.py:NAME``, as a run may have stored it when the file lay in another folder; others stay.
    """
    if not is_file_name(name):
        return name
    file, _, attribute = absolute(name).rpartition(":")
    same = [other for other in _allowed if Path(other).name == Path(file).name]
    return f"{file if file in _allowed or not same else same[-1]}:{attribute}"


def load(name: str, kind: str, field: str | None = None) -> Any:
    """Return the class or function of an allowed file.

    Args:
        name: ``FILE.py:NAME``.
        kind: What it should be, for messages ("model").
        field: The argument or configuration key that would have to change, for errors.

    Raises:
        UnknownNameError: The file isn't there, wasn't allowed, or has nothing of that name.
        ConfigError: The file can't be imported, or NAME is neither a class nor a function.
    """
    path, _, attribute = located(name).rpartition(":")
    _check(path, attribute, kind, field)
    module = _imported(path, attribute) or _module(path, field)
    if not hasattr(module, attribute):
        raise UnknownNameError(f'{path} has no "{attribute}".{_there(module, attribute)}', field=field)
    thing = getattr(module, attribute)
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        found = f"a {type(thing).__name__}"
        raise ConfigError(f"{path}: {attribute} is {found}, expected the class or function of a {kind}.", field=field)
    return thing


def source_of(thing: Any) -> str:
    """Return the file that defines a class or function; "__main__" for a notebook's."""
    try:
        return os.path.abspath(inspect.getfile(thing))
    except (TypeError, OSError):  # of a notebook or the interactive interpreter
        return str(thing.__module__)


def _files(given: Any) -> Iterator[str]:
    if isinstance(given, str | Path):
        found = PATTERN.fullmatch(str(given))
        if found or str(given).endswith(".py"):
            yield found["file"] if found else str(given)
    elif isinstance(given, Mapping):
        yield from _files([*given.keys(), *given.values()])
    elif isinstance(given, Sequence | set | frozenset):
        for one in given:
            yield from _files(one)


def _imported(path: str, attribute: str) -> ModuleType | None:
    """Return the module in which the program has imported an allowed file by its own means."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and not name.startswith(PREFIX) and os.path.abspath(file) == path:
            return module if hasattr(module, attribute) else None
    return None


def _check(path: str, attribute: str, kind: str, field: str | None) -> None:
    """Refuse files that aren't there or weren't allowed, also those that the program has imported.

    Else the header of a weights file could call any function of Python's library, with arguments of its own.
    """
    there = Path(path).is_file()
    if path not in _allowed:
        said = (
            f"which isn't run on the word of a stored file. If you trust it, allow {path}"
            if there
            else f"which isn't there any more. If it has moved, allow FOLDER/{Path(path).name} where it is now"
        )
        raise UnknownNameError(f"The {kind} {attribute} is defined in {path}, {said}.", field="allow")
    if not there:
        raise UnknownNameError(f"{path}: there is no such file to take the {kind} {attribute} from.", field=field)


def _module(path: str, field: str | None) -> ModuleType:
    """Run a file as a module, once for each state of the file."""
    status = os.stat(path)
    stamp = (status.st_mtime_ns, status.st_size)
    if path not in _modules or _modules[path][0] != stamp:
        _running.add(path)
        try:
            _modules[path] = stamp, _execute(path, field)
        finally:
            _running.discard(path)
    return _modules[path][1]


def _execute(path: str, field: str | None) -> ModuleType:
    """Run a file; its folder is on the import path meanwhile, as for ``python FILE.py``, so that it finds neighbors."""
    module = ModuleType(f"{PREFIX}{hashlib.sha256(path.encode()).hexdigest()[:8]}_{Path(path).stem}")
    module.__file__ = path
    sys.modules[module.__name__] = module
    folder = os.path.dirname(path)
    sys.path.insert(0, folder)
    try:
        exec(compile(Path(path).read_bytes(), path, "exec"), module.__dict__)
    except ScenesegError:
        raise
    except (Exception, SystemExit) as error:  # any error of the user's code
        raise ConfigError(f"{_where(path, error)}. Correct the file.", field=field) from error
    finally:
        sys.path.remove(folder)
    return module


def _where(path: str, error: BaseException) -> str:
    """Return what is wrong in a file, with the line."""
    if isinstance(error, SyntaxError) and error.filename == path:
        line, said = error.lineno, error.msg
    else:
        frames = reversed(traceback.extract_tb(error.__traceback__))
        line, said = next((frame.lineno for frame in frames if frame.filename == path), None), str(error)
    place = path if line is None else f"{path}, line {line}"
    return f"{place}: it can't be imported ({type(error).__name__}: {said.strip() or 'no message'})"


def _there(module: ModuleType, attribute: str) -> str:
    """Return which classes and functions a module defines."""
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    own = [name for name in own if not name.startswith("_")]
    return f"{did_you_mean(attribute, own)} It defines: {', '.join(own) or 'no class or function'}."
