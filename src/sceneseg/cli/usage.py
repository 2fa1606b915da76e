"""Usage errors: one sentence for a command line that can't be understood, with the option that may be meant."""

from difflib import get_close_matches

from cyclopts.exceptions import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from sceneseg.cli.spellings import hint, is_mapping

MISUSED = 2
"""Exit code of commands that weren't understood."""


def explain(error: CycloptsError) -> str:
    """Return what is wrong, what is expected, and where to read more."""
    error.verbose = False
    verb = " ".join(["sceneseg", *(error.command_chain or ())])
    if isinstance(error, UnknownOptionError):
        return _unknown(error, verb)
    if isinstance(error, UnusedCliTokensError):
        found = " ".join(error.unused_tokens or ())
        return f"{verb} doesn't know what to do with: {found}. {_help(verb)}"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        return _missing(error, verb)
    if isinstance(error, CoercionError) and error.argument is not None and is_mapping(error.argument):
        name, value = error.argument.name, error.token.value if error.token else "NAME"
        return f"{name} {value}: the parts are options of their own: {name}.{value} VALUE. {_help(verb)}"
    return f"{str(error).strip()} {_help(verb)}"


def _unknown(error: UnknownOptionError, verb: str) -> str:
    name = (error.token.keyword or error.token.value).partition("=")[0]
    said = hint(name, error.argument_collection)
    names = [option for argument in error.argument_collection for option in argument.names if option[:2] == "--"]
    if said is None and (close := get_close_matches(name, names, n=1, cutoff=0.75)):
        said = f"Did you mean {close[0]}?"
    stop = "" if said is None else said if said.endswith("?") else f"{said}."
    return " ".join(filter(None, (f"{verb} has no option {name}.", stop, _help(verb))))


def _missing(error: MissingArgumentError, verb: str) -> str:
    argument = error.argument
    assert argument is not None
    count, _ = argument.token_count()
    typed = [token.keyword for token in argument.tokens if token.keyword]
    name = error.keyword or (typed[-1] if typed else None)
    if name is None:
        short = [other for other in argument.names if not other.startswith("--")]
        return f"{verb} needs {' or '.join([argument.name, *short])}. {_help(verb)}"
    found = f", found {len(error.tokens_so_far) % count}" if count > 1 else ", but nothing follows it"
    return f"{name} takes {count} value{'' if count == 1 else 's'}{found}. {_help(verb)}"


def _help(verb: str) -> str:
    return f"All options: {verb} --help"
