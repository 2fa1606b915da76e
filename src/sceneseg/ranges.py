"""The range of a number, declared with its type: ``flip: Annotated[float, Range(0, 1)]``.

One declaration serves YAML files, the command line, Python, the candidates of a comparison, and the arguments of models
and losses.
"""

import math
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Union, get_args, get_origin

MANY = 10**9
"""What a count may be at most: far beyond what can be meant, far below what overflows."""


@dataclass(frozen=True)
class Range:
    """Numbers that an option takes, infinity and NaN excluded. For lists and mappings it applies to each number.

    Args:
        least: Smallest number.
        most: Largest number.
        above: Every number is larger than this.
        below: Every number is smaller than this.
        rising: Whether the numbers of a list must not fall.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    rising: bool = False

    def __contains__(self, number: object) -> bool:
        """Return whether a single number lies in the range."""
        if not isinstance(number, int | float) or isinstance(number, bool):
            return False
        if isinstance(number, float) and not math.isfinite(number):
            return False
        return (
            (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    def __str__(self) -> str:
        """Describe the range: "above 0 and at most 1"."""
        if self.least is not None and self.most is not None and self.most < MANY:
            return f"from {_digits(self.least)} to {_digits(self.most)}"
        ends = {"of at least": self.least, "above": self.above, "below": self.below, "at most": self.most}
        said = {word: end for word, end in ends.items() if end is not None and end < MANY}
        return " and ".join(f"{word} {_digits(end)}" for word, end in said.items())

    def problem(self, value: Any, hint: Any = float) -> str | None:
        """Describe what is expected of a value that doesn't fit; None for one that does.

        Args:
            value: A number, a list or mapping of numbers, or None.
            hint: The annotated type; of whole numbers, others don't fit.
        """
        numbers = list(_numbers(value))
        whole = not _mentions(hint, float)
        several = any(_mentions(hint, kind) for kind in (list, tuple, dict, Sequence))
        misshapen = value is None and not _mentions(hint, types.NoneType)
        misshapen |= isinstance(value, list | tuple | Mapping) and not several
        if misshapen or any(number not in self or (whole and not isinstance(number, int)) for number in numbers):
            return f"{'a whole number' if whole else 'a number'} {self}"
        if self.rising and any(a > b for a, b in pairwise(numbers)):
            return "in rising order"
        return None


def range_of(hint: Any) -> Range | None:
    """Return the range that a type declares, also within `X | None`; None if it declares none."""
    if get_origin(hint) is Annotated:
        found = next((extra for extra in get_args(hint)[1:] if isinstance(extra, Range)), None)
        return found or range_of(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType, tuple, list, dict):
        return next((found for part in get_args(hint) if (found := range_of(part))), None)
    return None


def _mentions(hint: Any, kind: type) -> bool:
    return kind in (hint, get_origin(hint)) or any(_mentions(part, kind) for part in get_args(hint))


def _numbers(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)
    elif value is not None:
        yield value


def _digits(end: float) -> str:
    return f"{end:,}" if isinstance(end, int) else f"{end:g}"


SIDE = 32_767
"""Pixels of a side at most: OpenCV addresses no more."""

Count = Annotated[int, Range(1, MANY)]
"""One or more."""
Classes = Annotated[int, Range(1, 65_535)]
"""Classes, as many as labels can name."""
Seed = Annotated[int, Range(0, 2**63 - 1)]
"""Begins random numbers."""
Workers = Annotated[int, Range(0, 1_024)]
"""Processes or threads."""
Blocks = Annotated[int, Range(0, 1_000)]
"""Blocks or layers of a network, of which there may be none."""
Channels = Annotated[int, Range(1, 65_536)]
"""Channels, heads or layers of a network."""
Stages = Annotated[int, Range(1, 10)]
"""Halvings of the size, each with twice the channels."""
WidthFactor = Annotated[float, Range(above=0, most=64)]
"""Factor of all channels of a network."""
Side = Annotated[int, Range(1, SIDE)]
"""Height or width in pixels."""
Positive = Annotated[float, Range(above=0)]
"""Any number above zero."""
NotNegative = Annotated[float, Range(least=0)]
"""Zero or more."""
Share = Annotated[float, Range(0, 1)]
"""A part of a whole, or a probability."""
Dropout = Annotated[float, Range(0, below=1)]
"""Probability of leaving something out, never all."""
Middle = Annotated[float, Range(above=0, below=1)]
"""A probability that is neither sure nor impossible."""
Smoothing = Annotated[float, Range(0, below=1)]
"""Part of the truth that is spread over all classes."""
Threshold = Annotated[float, Range(above=0, most=1)]
"""A probability that divides easy from hard."""
ClassWeights = Annotated[Sequence[float], Range(least=0)]
"""Weight of each class in a loss."""
