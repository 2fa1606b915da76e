"""Errors that a user can act on: what was expected, what was found, and which command or option cures it."""

import sys
import warnings
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Self


class ScenesegError(Exception):
    """An error whose message is meant for the user; the command line prints it without a traceback.

    The message contains what was expected, what was found, and the cure, in terms of Python arguments and configuration
    keys. `field` names the argument or key at fault; the command line adds the option of that field.

    Args:
        message: One clear sentence, or a few.
        field: The argument of the function that was called (``"weights"``), or the configuration key (``"data.root"``),
            that would have to change; None where there is none.
    """

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class ConfigError(ScenesegError):
    """A configuration key, option or value that can't be used."""


class UnknownNameError(ConfigError):
    """A name that isn't on its shelf."""


class DataError(ScenesegError):
    """A data set, image or label file that isn't what was expected."""


class TransferError(ScenesegError):
    """A file that can't be fetched, or for which there is no room."""


class RunError(ScenesegError):
    """A run directory or weights file that is missing, incomplete or of another kind."""


class TrainingError(ScenesegError):
    """A training that can't continue: out of memory, or numbers that are no longer finite."""


class NonFiniteError(TrainingError):
    """A loss or gradient that is infinite or not a number."""


class ModelError(ScenesegError):
    """An input or argument that a model can't work with."""


class MissingPackageError(ConfigError):
    """An optional package that isn't installed.

    Args:
        package: Its import name.
    """

    def __init__(self, package: str) -> None:
        extra, packages = EXTRAS[package]
        super().__init__(
            f"This needs the package {package}, which isn't installed. Install it with: pip install {packages} "
            f"(together they are the extra [{extra}] of sceneseg)."
        )
        self.package = package

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.package,)  # errors cross processes, and the message isn't the argument


EXPORT = ("export", "onnx onnxscript onnxruntime openvino")
EXTRAS = {
    "onnx": EXPORT,
    "onnxscript": EXPORT,
    "onnxruntime": EXPORT,
    "openvino": EXPORT,
    "av": ("video", "av"),
    "cityscapesscripts": ("cityscapes", "cityscapesscripts"),
    "google_crc32c": ("tfrecord", "google-crc32c"),
}
"""Optional packages: the extra that brings each, and what to install for it."""


def hide_library_warnings() -> None:
    """Hide Python warnings that libraries give of themselves, unless ``python -W`` or PYTHONWARNINGS asks for some.

    They are meant for us, who see them as errors in the tests; warnings that sceneseg's own modules give are shown.
    """
    if not sys.warnoptions:
        warnings.filterwarnings("ignore", module=r"(?!sceneseg(\.|$))")
        warnings.filterwarnings("ignore", message=r"(?s).*Triggered internally at")  # torch's own, from C++


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """Return ' Did you mean "x"?' for the closest choice, or an empty string when nothing is close."""
    close = get_close_matches(str(word), list(choices), n=1, cutoff=0.55)
    return f' Did you mean "{close[0]}"?' if close else ""


def reason_of(error: BaseException) -> str:
    """Describe in one sentence what went wrong."""
    text = str(error).strip()
    if isinstance(error, ScenesegError):
        return text
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text.lower():
        return f"ran out of memory ({text.splitlines()[0] if text else type(error).__name__})"
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def refuse_options(given: Mapping[str, object], reason: str) -> None:
    """Refuse arguments that can't be honored, rather than ignore them.

    Args:
        given: Argument or configuration key -> its value; None and False mean that it wasn't given.
        reason: Why not, and what to do instead.

    Raises:
        ConfigError: One of them was given; its field is the first of those.
    """
    if names := [name for name, value in given.items() if value is not None and value is not False]:
        raise ConfigError(f"{', '.join(names)}: {reason}", field=names[0])
