"""Cosine: half a cosine over the run."""

import math

from sceneseg.optim.schedules import register


@register
def cosine(step: int, steps: int) -> float:
    """Fall along half a cosine.

    Source: Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, without restarts.
    """
    return 0.5 * (1 + math.cos(math.pi * step / steps))
