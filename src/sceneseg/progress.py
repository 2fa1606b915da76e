"""Progress of a loop: machines call a function with the steps that are done and the number of all."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

OnStep = Callable[[int, int], object]
"""Is called with how many steps are done, and of how many."""


def silent(done: int, total: int) -> None:
    """Report nothing."""


def reported(items: Iterable[T], total: int, on_step: OnStep) -> Iterator[T]:
    """Yield items, and report each when the caller is done with it.

    Args:
        items: The items to work on.
        total: How many there are.
        on_step: Is called after each.

    Example:
        >>> list(reported("ab", 2, lambda done, total: print(f"{done} of {total}")))
        1 of 2
        2 of 2
        ['a', 'b']
    """
    for done, item in enumerate(items, 1):
        yield item
        on_step(done, total)


def each(items: Collection[T], on_step: OnStep) -> Iterator[T]:
    """Yield the items of a collection, and report each when the caller is done with it."""
    return reported(items, len(items), on_step)
