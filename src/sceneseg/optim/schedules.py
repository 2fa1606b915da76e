"""Learning-rate schedules as plain functions of the progress, so that resuming needs nothing but the step."""

import math
from collections.abc import Callable

from sceneseg.config import ScheduleConfig
from sceneseg.errors import UnknownNameError, did_you_mean

SCHEDULES: dict[str, Callable[[float, ScheduleConfig], float]] = {
    "poly": lambda progress, config: (1 - progress) ** config.power,
    "cosine": lambda progress, config: 0.5 * (1 + math.cos(math.pi * progress)),
    "constant": lambda progress, config: 1.0,
}
"""Name -> part of the way from `min_lr` to the peak, for a progress in [0, 1]."""


def learning_rate(step: int, steps: int, peak: float, config: ScheduleConfig) -> float:
    """Return the learning rate of a step.

    Args:
        step: 0 .. steps - 1.
        steps: Steps of the whole run.
        peak: The optimizer's learning rate.
        config: Schedule, its end value and the linear warm-up.

    Raises:
        UnknownNameError: There is no schedule of that name.
    """
    if config.name not in SCHEDULES:
        hint = did_you_mean(config.name, SCHEDULES)
        raise UnknownNameError(f'There is no schedule called "{config.name}".{hint} Known: {", ".join(SCHEDULES)}.')
    if step < config.warmup_steps:
        return peak * (step + 1) / (config.warmup_steps + 1)
    progress = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
    return config.min_lr + (peak - config.min_lr) * SCHEDULES[config.name](progress, config)
