"""One cycle: a rise and a longer fall."""

import math

from sceneseg.optim.schedules import register

RISE = 0.3
"""Part of the run in which it rises."""
START = 1 / 25
"""Where it starts, in parts of the peak."""


@register
def one_cycle(step: int, steps: int) -> float:
    """Rise from 1/25 of the peak for 30 % of the run, then fall to the end, both along half a cosine.

    Source: Smith and Topin, "Super-Convergence", 2017 (arXiv 1708.07120); the cosines are fast.ai's.
    """
    top = RISE * steps
    if step < top:
        return START + (1 - START) * 0.5 * (1 - math.cos(math.pi * step / top))
    return 0.5 * (1 + math.cos(math.pi * (step - top) / (steps - top)))
