"""Intervals: a figure with the range in which it would lie on other images of the same kind."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its interval, all in the unit of the figure.

    Args:
        value: The figure, as measured.
        low: Lower end; None where the interval isn't known.
        high: Upper end; None where the interval isn't known.

    Example:
        >>> lead = Interval(0.05, 0.02, 0.09)
        >>> lead.excludes_zero
        True
        >>> -lead
        Interval(value=-0.05, low=-0.09, high=-0.02)
    """

    value: float
    low: float | None = None
    high: float | None = None

    def __neg__(self) -> "Interval":
        """Return the same difference, read from the other side."""
        low, high = (None if end is None else -end for end in (self.high, self.low))
        return Interval(-self.value, low, high)

    @property
    def ends(self) -> tuple[float, float] | None:
        """Lower and upper end; None where the interval isn't known."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero: a difference with it is real."""
        return self.ends is not None and (self.ends[0] > 0 or self.ends[1] < 0)
