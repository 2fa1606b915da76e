"""Where commands print: a terminal that takes nothing in a text for markup."""

from typing import Any

from rich.console import Console


def terminal(**options: Any) -> Console:
    """Return a console for texts with names from files in them, in which ``[bold]`` stays what it is.

    Style goes into the argument `style`, or into `rich.text.Text`.

    Args:
        options: Further arguments of `rich.console.Console`.
    """
    return Console(markup=False, highlight=False, **options)
