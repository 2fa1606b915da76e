"""Reduce on plateau: lower by a factor when the validation score stops rising."""

import math
from collections.abc import Sequence

from sceneseg.errors import ConfigError
from sceneseg.optim.schedules import register


@register
def reduce_on_plateau(
    step: int,
    steps: int,
    peak: float,
    scores: Sequence[float | None] | None,
    factor: float = 0.1,
    patience: int = 10,
    min_lr: float = 0.0,
) -> float:
    """Multiply by the factor after each plateau of the validation score."""
    if scores is None:
        raise ConfigError("The schedule reduce_on_plateau needs the validation scores so far, which aren't known here.")
    return max(min(min_lr, peak), peak * factor ** count_plateaus(scores, patience))


def count_plateaus(scores: Sequence[float | None], patience: int) -> int:
    """Count how often the best score so far went unbeaten for `patience` validations in a row.

    Convention: higher is better; after a plateau the wait begins anew; None is no validation.

    Example:
        >>> count_plateaus([0.4, 0.3, 0.3], patience=2)
        1
    """
    best, waited, plateaus = -math.inf, 0, 0
    for score in scores:
        if score is None:
            continue
        best, waited = (score, 0) if score > best else (best, waited + 1)
        if waited >= max(1, patience):
            plateaus, waited = plateaus + 1, 0
    return plateaus
