"""Curve of a learning-rate range test: losses over rising learning rates, smoothed, and the rates to train with.

Source: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

SMOOTHING = 0.025
"""Standard deviation of the Gaussian that smooths a curve, in parts of the whole test."""
CAP = 2.0
"""Losses count as at most this many times the first one, so that an explosion doesn't reach back into the curve."""
NOTICEABLE = 0.02
"""A loss that falls by a smaller part than this says nothing about learning rates."""

FALL = (0.1, 0.9)
"""Parts of the fall between which the valley lies: its flat beginning and the noise at its bottom say nothing."""


@dataclass(frozen=True)
class RangeTest:
    """The losses of one optimizer over learning rates that rise exponentially from step to step.

    Args:
        optimizer: Its name.
        rates: (N,) learning rate of each step.
        losses: (N,) loss right after that step; may end in values that aren't finite.
        steps: Steps that the whole test was to have.
        diverged: Whether it was broken off because the loss grew out of bounds.
    """

    optimizer: str
    rates: Numbers
    losses: Numbers
    steps: int
    diverged: bool = False

    @cached_property
    def smoothed(self) -> Numbers:
        """The losses without the noise of single batches, (N,): averaged to both sides, so that nothing lags."""
        first = self.losses[0]
        capped = np.minimum(np.nan_to_num(self.losses, nan=np.inf, posinf=np.inf), CAP * first)
        at = np.arange(len(capped))
        width = max(1.0, SMOOTHING * self.steps)
        weights = np.exp(-0.5 * ((at[:, None] - at[None]) / width) ** 2)
        smooth: Numbers = weights @ capped / weights.sum(1)
        return smooth

    @property
    def lowest(self) -> int:
        """The step with the lowest smoothed loss."""
        return int(self.smoothed.argmin())

    @property
    def learns(self) -> bool:
        """Whether the loss falls enough to say anything."""
        start = self.smoothed[0]
        return bool(start - self.smoothed[self.lowest] > NOTICEABLE * abs(start))

    @property
    def steepest(self) -> float | None:
        """The learning rate at which the loss falls fastest, against its logarithm; None if nothing is learned."""
        if not self.learns:
            return None
        slope = np.gradient(self.smoothed, np.log(self.rates))
        return float(self.rates[slope[: self.lowest + 1].argmin()])

    @property
    def valley(self) -> float | None:
        """The middle of the fall: of the logarithms of the rates where a tenth and where nine tenths of it are done.

        None if nothing is learned.
        """
        if not self.learns:
            return None
        down = (self.smoothed[0] - self.smoothed) / (self.smoothed[0] - self.smoothed[self.lowest])
        begins, ends = ((down >= part).argmax() for part in FALL)
        return float(np.sqrt(self.rates[begins] * self.rates[ends]))

    def to_dict(self) -> dict[str, object]:
        """Return what the test found, as plain data."""
        return {
            "optimizer": self.optimizer,
            "suggestion": self.valley,
            "suggested_by": "valley",
            "valley": self.valley,
            "steepest": self.steepest,
            "lowest_loss": float(self.smoothed[self.lowest]),
            "lowest_loss_at": float(self.rates[self.lowest]),
            "first_loss": float(self.losses[0]),
            "diverged_at": float(self.rates[-1]) if self.diverged else None,
            "steps": len(self.rates),
        }


def rates(lowest: float, highest: float, steps: int) -> Numbers:
    """Return the learning rates of a test: from the lowest to the highest by equal factors."""
    found: Numbers = np.geomspace(lowest, highest, steps)
    return found
